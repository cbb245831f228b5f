"""`weaver-like store ...`: work on stores as a whole."""

import sys
import time
from contextlib import closing

import click

from weaver_like.domain.errors import WeaverError
from weaver_like.jobs.copy import copy_jobs, copy_processes, copy_schedules
from weaver_like.settings import Settings
from weaver_like.stores.base import Store
from weaver_like.wiring import open_store

_TELL_S = 2.0


@click.group()
def store() -> None:
    """Work on a store as a whole."""


@store.command()
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--force", is_flag=True, help="Copy even if a server seems to be using one of the two.")
def copy(origin: str, target: str, force: bool) -> None:
    """Copy everything from one store to another, and compare both: every job with its documents, log and waiting
    callbacks, every schedule, and every deployed process with all its revisions.

    FROM and TO are URLs as in the setting store.url. Stop every server on them first. An interrupted copy
    continues when it is started again. Exit code 1 if the copy was refused or the two differ. Result files stay where
    they are.
    """
    try:
        told = _open_and_copy(origin, target, force)
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    click.echo(told)


def _open_and_copy(origin_url: str, target_url: str, force: bool) -> str:
    """What was copied, in a sentence. Raises: WeaverError."""
    with closing(open_store(Settings(), origin_url)) as origin, closing(open_store(Settings(), target_url)) as target:
        return _copy(origin, target, force)


def _copy(origin: Store, target: Store, force: bool) -> str:
    _prepare(origin, target)
    origin.schedules.next_due()  # completes a firing that a crash interrupted
    tell = _Teller()
    copied = copy_jobs(origin, target, tell, force)
    schedules = copy_schedules(origin, target)
    processes = copy_processes(origin, target, tell)
    return (
        f"{copied.new} jobs copied; FROM and TO hold the same {copied.jobs} jobs (SHA-256 {copied.digest}), "
        f"{schedules} schedules and {processes.processes} deployed processes with {processes.revisions} revisions "
        f"(SHA-256 {processes.digest})."
    )


def _prepare(origin: Store, target: Store) -> None:
    """Bring the schema of both up to date. FROM must exist: a mistyped URL must not count as an empty store."""
    try:
        origin.ping()
    except WeaverError as error:
        raise click.ClickException(f"FROM: {error.detail}") from error
    origin.migrate()
    target.migrate()


class _Teller:
    """Writes the first line, and then one every few seconds, to standard error."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_S
            print(line, file=sys.stderr, flush=True)
