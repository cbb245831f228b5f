"""`weaver-like worker`: becomes a Celery worker."""

import json
import os
import sys

import click

from weaver_like import settings as settings_module
from weaver_like.cli.options import SettingsOptions, with_settings
from weaver_like.domain.job import DEFAULT_QUEUE
from weaver_like.settings import Settings


@click.command()
@with_settings
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    help="Jobs that run at the same time. Default: engine.workers, or one per core.",
)
@click.option(
    "--queues",
    default=DEFAULT_QUEUE,
    show_default=True,
    help="Queues to take jobs from, separated by commas; each process names its queue.",
)
@click.option(
    "--pool",
    type=click.Choice(["prefork", "threads", "solo"]),
    default="prefork",
    show_default=True,
    help="How Celery runs jobs side by side.",
)
def worker(options: SettingsOptions, concurrency: int | None, queues: str, pool: str) -> None:
    """Run jobs as a Celery worker, until SIGTERM."""
    settings = options.load("engine.kind=celery")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    names = [name.strip() for name in queues.split(",") if name.strip()]
    if not names:
        raise click.BadParameter("expected at least one queue", param_hint="--queues")
    chosen = {"concurrency": concurrency or settings.workers, "queues": names, "pool": pool}
    command = [sys.executable, "-m", "weaver_like.worker.celery", str(_hold(settings)), json.dumps(chosen)]
    ours = settings_module.PREFIX.upper() + "_"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    os.execve(sys.executable, command, environment)


def _hold(settings: Settings) -> int:
    """A descriptor of a file without a name, from which the worker reads its settings.

    So neither the arguments nor the environment of a worker show a secret.
    """
    pairs = {f"{settings_module.PREFIX}.{name}": text for name, text in settings_module.dump(settings).items()}
    held = os.memfd_create("settings", 0)
    os.write(held, json.dumps(pairs).encode())
    os.lseek(held, 0, os.SEEK_SET)
    return held
