"""`weaver-like`: serve, migrate, sweep, plugins, settings."""
import ipaddress
import json
import os
import sys
from pathlib import Path

import click

from weaver_like import __version__
from weaver_like import settings as settings_module
from weaver_like.cli.server import run_server
from weaver_like.domain.errors import WeaverError
from weaver_like.jobs.recover import sweep_old
from weaver_like.settings import Settings, declared, shown_default
from weaver_like.wiring import build

_OPTIONS = [
    click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Ini file with weaver_like.section.name lines."),
    click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that is kept."),
    click.option("--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="One setting; may be repeated."),
]


def _with_settings(command: click.Command) -> click.Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _load(config: Path | None, data: Path | None, overrides: tuple[str, ...], *more: str) -> Settings:
    given = [f"files.data_dir={data}"] if data else []
    try:
        return settings_module.load(config, os.environ, [*given, *more, *overrides])
    except WeaverError as error:
        raise click.ClickException(error.detail) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Algorithms as web processes: an OGC API - Processes server."""


@cli.command()
@_with_settings
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one and prints it.")
def serve(config: Path | None, data: Path | None, overrides: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Serve until Ctrl-C or SIGTERM; a second one ends running jobs at once."""
    more = [f"server.host={host}"] if host else []
    more += [f"server.port={port}"] if port is not None else []
    settings = _load(config, data, overrides, *more)
    _refuse_open(settings)
    try:
        run_server(settings, lambda url: click.echo(f"weaver-like {__version__} answers at {url}"))
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    except OSError as error:
        where = f"{settings.server.host}:{settings.server.port}"
        raise click.ClickException(f"{where} or {settings.data_dir} cannot be used: {error.strerror or error}. "
                                   "Another port: --port (make start PORT=...), another folder: --data (DATA=...).") from error
    sys.stdout.flush()
    os._exit(0)  # threads of waitress may still wait for a client that will never read


def _refuse_open(settings: Settings) -> None:
    """Without authentication only this machine may be served, unless the operator says so."""
    host = settings.server.host
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback and not settings.security.open:
        raise click.ClickException(
            f"server.host is {host}: everybody who reaches it could run processes, for there is no authentication. "
            "Use 127.0.0.1 behind a proxy that asks who is there, or say so: --set security.open=true")


@cli.command()
@_with_settings
def migrate(config: Path | None, data: Path | None, overrides: tuple[str, ...]) -> None:
    """Bring the store's schema up to date."""
    runtime = build(_load(config, data, overrides))
    try:
        applied = runtime.jobs.migrate()
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    click.echo(f"applied: {', '.join(map(str, applied)) or 'none'}")


@cli.command()
@_with_settings
def sweep(config: Path | None, data: Path | None, overrides: tuple[str, ...]) -> None:
    """Remove finished jobs older than jobs.keep_days, with their files."""
    runtime = build(_load(config, data, overrides))
    runtime.jobs.migrate()
    click.echo(f"removed: {sweep_old(runtime)}")


@cli.command()
@_with_settings
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def plugins(config: Path | None, data: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """List plugins: their processes, or the error that keeps them out. Exit code 1 if one is broken."""
    found = build(_load(config, data, overrides)).catalog.snapshot().plugins
    if as_json:
        click.echo(json.dumps([{"name": plugin.name, "processes": [process.id for process in plugin.processes],
                                "error": plugin.error, "traceback": plugin.traceback} for plugin in found], indent=2))
    for plugin in () if as_json else found:
        click.echo(f"{plugin.name}: {plugin.error or ', '.join(process.id for process in plugin.processes)}")
        if plugin.traceback:
            click.echo(plugin.traceback, err=True)
    sys.exit(1 if any(plugin.error for plugin in found) else 0)


@cli.command()
def settings() -> None:
    """List every setting with its default."""
    for name, entry in declared():
        click.echo(f"{name} = {shown_default(entry.default)}\n    {entry.metadata['doc']}")


if __name__ == "__main__":
    cli()
