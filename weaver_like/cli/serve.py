"""`weaver-like serve`."""

import importlib
import os
import sys

import click

from weaver_like import __version__
from weaver_like.cli.access import refuse_open
from weaver_like.cli.options import SettingsOptions, plain_errors, with_settings
from weaver_like.warm import warm_up


@click.command()
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
    if settings.engine.kind == "embedded" and settings.server.kind == "waitress":
        warm_up(settings)  # it gets ready while this process imports the rest
    server = importlib.import_module("weaver_like.cli.server")

    def announce(url: str) -> None:
        click.echo(f"weaver-like {__version__} answers at {url}")
        if settings.processes.testing:
            click.echo("It offers the test processes echo, sleep, fail, ... (processes.testing is on)")

    try:
        with plain_errors():
            server.run_server(settings, announce)
    except OSError as error:
        where = f"{settings.server.host}:{settings.server.port}"
        raise click.ClickException(
            f"Cannot listen on {where} or use the folder {settings.data_dir}: {error.strerror or error}. "
            "Another port: --port (make start PORT=...). Another folder: --data (make start DATA=...)."
        ) from error
    sys.stdout.flush()
    os._exit(0)  # threads of waitress may still wait for a client that will never read
