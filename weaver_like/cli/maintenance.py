"""`weaver-like migrate, sweep, plugins, settings`: what operators do now and then."""

import json
import sys

import click

from weaver_like.cli.options import SettingsOptions, plain_errors, with_settings
from weaver_like.domain.process import Plugin
from weaver_like.jobs.recover import sweep_old
from weaver_like.settings import declared, shown_default
from weaver_like.wiring import build


@click.command()
@with_settings
def migrate(options: SettingsOptions) -> None:
    """Bring the store's schema up to date."""
    settings = options.load()
    with plain_errors():
        applied = build(settings).store.migrate()
    click.echo(f"applied: {', '.join(map(str, applied)) or 'none'}")


@click.command()
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


@click.command()
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


@click.command()
def settings() -> None:
    """List all settings with their defaults."""
    for name, entry in declared():
        click.echo(f"{name} = {shown_default(entry.default)}\n    {entry.metadata['doc']}")
