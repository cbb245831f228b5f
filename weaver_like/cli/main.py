"""`weaver-like`: serve, deploy-local, worker, migrate, sweep, plugins, schedules, settings, store."""

import json
import os
import sys

import click

from weaver_like import __version__
from weaver_like.cli.access import refuse_open
from weaver_like.cli.deploy import deploy_local
from weaver_like.cli.options import SettingsOptions, plain_errors, with_settings
from weaver_like.cli.schedules import schedule, schedules
from weaver_like.cli.server import run_server
from weaver_like.cli.store import store
from weaver_like.cli.worker import worker
from weaver_like.domain.process import Plugin
from weaver_like.jobs.recover import sweep_old
from weaver_like.settings import declared, shown_default
from weaver_like.wiring import build


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Algorithms as web processes: an OGC API - Processes server."""


@cli.command()
@with_settings
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free port and prints it.")
def serve(options: SettingsOptions, host: str | None, port: int | None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    A second signal ends running jobs at once.
    """
    more = []
    if host:
        more.append(f"server.host={host}")
    if port is not None:
        more.append(f"server.port={port}")
    settings = options.load(*more)
    refuse_open(settings)

    def announce(url: str) -> None:
        click.echo(f"weaver-like {__version__} answers at {url}")
        if settings.processes.testing:
            click.echo("It offers the test processes echo, sleep, fail, ... (processes.testing is on)")

    try:
        with plain_errors():
            run_server(settings, announce)
    except OSError as error:
        where = f"{settings.server.host}:{settings.server.port}"
        raise click.ClickException(
            f"Cannot listen on {where} or use the folder {settings.data_dir}: {error.strerror or error}. "
            "Another port: --port (make start PORT=...). Another folder: --data (make start DATA=...)."
        ) from error
    sys.stdout.flush()
    os._exit(0)  # threads of waitress may still wait for a client that will never read


@cli.command()
@with_settings
def migrate(options: SettingsOptions) -> None:
    """Bring the store's schema up to date."""
    settings = options.load()
    with plain_errors():
        applied = build(settings).store.migrate()
    click.echo(f"applied: {', '.join(map(str, applied)) or 'none'}")


@cli.command()
@with_settings
def sweep(options: SettingsOptions) -> None:
    """Remove finished jobs and their files.

    Only jobs that ended more than jobs.keep_days ago.
    """
    settings = options.load()
    with plain_errors():
        runtime = build(settings)
        runtime.store.migrate()
        removed = sweep_old(runtime)
    click.echo(f"removed: {removed}")


@cli.command()
@with_settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(options: SettingsOptions, as_json: bool) -> None:
    """List plugins with their processes or errors.

    Exit code 1 if there is an error.
    """
    settings = options.load()
    with plain_errors():
        found = build(settings).catalog.snapshot().plugins
    if as_json:
        click.echo(json.dumps([_plugin_document(plugin) for plugin in found], indent=2))
    else:
        for plugin in found:
            _print_plugin(plugin)
    if any(plugin.error for plugin in found):
        sys.exit(1)


def _plugin_document(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "processes": [process.id for process in plugin.processes],
        "error": plugin.error,
        "traceback": plugin.traceback,
    }


def _print_plugin(plugin: Plugin) -> None:
    click.echo(f"{plugin.name}: {plugin.error or ', '.join(process.id for process in plugin.processes)}")
    if plugin.traceback:
        click.echo(plugin.traceback, err=True)


@cli.command()
def settings() -> None:
    """List all settings with their defaults."""
    for name, entry in declared():
        click.echo(f"{name} = {shown_default(entry.default)}\n    {entry.metadata['doc']}")


cli.add_command(deploy_local)
cli.add_command(worker)
cli.add_command(schedules)
cli.add_command(schedule)
cli.add_command(store)


if __name__ == "__main__":
    cli()
