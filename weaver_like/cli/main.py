"""`weaver-like`: serve, deploy-local, worker, migrate, sweep, plugins, schedules, settings, store."""

import ipaddress
import json
import os
import sys
from pathlib import Path

import click

from weaver_like import __version__
from weaver_like import settings as settings_module
from weaver_like.cli.deploy import Plan, Supervisor, programs
from weaver_like.cli.options import load_settings, with_settings
from weaver_like.cli.schedules import schedule, schedules
from weaver_like.cli.server import run_server
from weaver_like.cli.store import store
from weaver_like.domain.errors import WeaverError
from weaver_like.domain.job import DEFAULT_QUEUE
from weaver_like.jobs.recover import sweep_old
from weaver_like.settings import Settings, declared, shown_default
from weaver_like.wiring import build


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Algorithms as web processes: an OGC API - Processes server."""


@cli.command()
@with_settings
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one and prints it.")
def serve(
    config: Path | None, data: Path | None, overrides: tuple[str, ...], host: str | None, port: int | None
) -> None:
    """Serve until Ctrl-C or SIGTERM; a second one ends running jobs at once."""
    more = [f"server.host={host}"] if host else []
    more += [f"server.port={port}"] if port is not None else []
    settings = load_settings(config, data, overrides, *more)
    _refuse_open(settings)
    try:
        run_server(settings, lambda url: click.echo(f"weaver-like {__version__} answers at {url}"))
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    except OSError as error:
        where = f"{settings.server.host}:{settings.server.port}"
        raise click.ClickException(
            f"{where} or {settings.data_dir} cannot be used: {error.strerror or error}. "
            "Another port: --port (make start PORT=...), another folder: --data (DATA=...)."
        ) from error
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
            "Use 127.0.0.1 behind a proxy that asks who is there, or say so: --set security.open=true"
        )


@cli.command(name="deploy-local")
@with_settings
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=4001, show_default=True, help="Port to listen on.")
@click.option("--web", type=click.IntRange(1), default=2, show_default=True, help="Processes that answer requests.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Worker services.")
@click.option(
    "--concurrency", type=click.IntRange(1), default=2, show_default=True, help="Jobs at once of each worker."
)
@click.option(
    "--queues", default="default", show_default=True, help="Queues that the workers serve, separated by commas."
)
@click.option("--store-url", default="", help="A database that runs already; without it a mongod is started.")
@click.option(
    "--broker-url",
    default="",
    help="A broker that runs already, amqp:// or redis://; without it a redis-server is started.",
)
def deploy_local(config: Path | None, data: Path | None, overrides: tuple[str, ...], **given: object) -> None:
    """Everything on one host: database, broker, workers and web; what dies is started again. Ctrl-C ends all in order."""
    settings = load_settings(config, data, overrides, f"server.host={given['host']}")
    _refuse_open(settings)
    arguments = [
        *(["--config", str(config)] if config else []),
        "--data",
        str(settings.data_dir),
        *(part for text in overrides for part in ("--set", text)),
    ]
    plan = Plan(
        settings.data_dir,
        str(given["host"]),
        int(given["port"]),
        int(given["web"]),
        int(given["workers"]),
        ["--concurrency", str(given["concurrency"]), "--queues", str(given["queues"])],
        arguments,
        str(given["store_url"]) or settings.store.url,
        str(given["broker_url"]) or settings.celery.broker_url,
        None if settings.engine.close == "join" else settings.engine.close_grace_s + 60,
    )
    try:
        Supervisor(programs(plan), settings.data_dir, click.echo).run()
    except WeaverError as error:
        raise click.ClickException(error.detail) from error


@cli.command()
@with_settings
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), help="Jobs at once; default: engine.workers, or one per core."
)
@click.option(
    "--queues",
    default=DEFAULT_QUEUE,
    show_default=True,
    help="Queues to work for, separated by commas; processes name theirs.",
)
@click.option(
    "--pool",
    type=click.Choice(["prefork", "threads", "solo"]),
    default="prefork",
    show_default=True,
    help="How Celery runs jobs side by side.",
)
def worker(
    config: Path | None, data: Path | None, overrides: tuple[str, ...], concurrency: int | None, queues: str, pool: str
) -> None:
    """Run jobs as a Celery worker of this configuration, until SIGTERM."""
    settings = load_settings(config, data, overrides, "engine.kind=celery")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    names = [name for name in (part.strip() for part in queues.split(",")) if name]
    if not names:
        raise click.BadParameter("at least one queue is wanted", param_hint="--queues")
    # The settings go through a file without a name: neither the arguments nor the environment of a worker show a secret.
    held = os.memfd_create("settings", 0)
    os.write(
        held,
        json.dumps(
            {f"{settings_module.PREFIX}.{name}": text for name, text in settings_module.dump(settings).items()}
        ).encode(),
    )
    os.lseek(held, 0, os.SEEK_SET)
    options = json.dumps({"concurrency": concurrency or settings.workers, "queues": names, "pool": pool})
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(settings_module.PREFIX.upper() + "_")
    }
    os.execve(sys.executable, [sys.executable, "-m", "weaver_like.worker.celery", str(held), options], environment)


@cli.command()
@with_settings
def migrate(config: Path | None, data: Path | None, overrides: tuple[str, ...]) -> None:
    """Bring the store's schema up to date."""
    runtime = build(load_settings(config, data, overrides))
    try:
        applied = runtime.jobs.migrate()
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    click.echo(f"applied: {', '.join(map(str, applied)) or 'none'}")


@cli.command()
@with_settings
def sweep(config: Path | None, data: Path | None, overrides: tuple[str, ...]) -> None:
    """Remove finished jobs older than jobs.keep_days, with their files."""
    runtime = build(load_settings(config, data, overrides))
    runtime.jobs.migrate()
    click.echo(f"removed: {sweep_old(runtime)}")


@cli.command()
@with_settings
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def plugins(config: Path | None, data: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """List plugins: their processes, or the error that keeps them out. Exit code 1 if one is broken."""
    found = build(load_settings(config, data, overrides)).catalog.snapshot().plugins
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "name": plugin.name,
                        "processes": [process.id for process in plugin.processes],
                        "error": plugin.error,
                        "traceback": plugin.traceback,
                    }
                    for plugin in found
                ],
                indent=2,
            )
        )
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


cli.add_command(schedules)
cli.add_command(schedule)
cli.add_command(store)


if __name__ == "__main__":
    cli()
