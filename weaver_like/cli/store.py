"""`weaver-like store ...`: work on stores as a whole."""

import sys
import time

import click

from weaver_like.domain.errors import WeaverError
from weaver_like.jobs.copy import copy_jobs, copy_processes, copy_schedules
from weaver_like.settings import Settings
from weaver_like.stores.base import JobStore
from weaver_like.wiring import Stores, open_stores

_TELL_S = 2.0


@click.group()
def store() -> None:
    """Work on a store as a whole."""


@store.command()
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--force", is_flag=True, help="Also while a server seems to work on one of the two.")
def copy(origin: str, target: str, force: bool) -> None:
    """Copy every job with its documents, log and waiting callbacks, every schedule and every deployed process with all its revisions,
    from one store to another, and compare both.

    FROM and TO are URLs as in the setting store.url. Stop every server on them first. A copy that was interrupted goes on when it
    is started again. Exit code 1 if the copy was refused or the two differ. Result files stay where they are.
    """
    stores: list[Stores] = []
    try:
        stores = [open_stores(Settings(), url) for url in (origin, target)]
        (from_jobs, from_schedules, from_processes), (to_jobs, to_schedules, to_processes) = stores
        _prepare(from_jobs, to_jobs)
        from_schedules.next_due()  # completes a firing that a crash left half done
        tell = _Teller()
        copied = copy_jobs(from_jobs, to_jobs, tell, force)
        schedules = copy_schedules(from_schedules, to_schedules)
        processes = copy_processes(from_processes, to_processes, tell)
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
    finally:
        for opened, *_ in stores:
            opened.close()
    click.echo(
        f"{copied.new} jobs copied; FROM and TO hold the same {copied.jobs} jobs (SHA-256 {copied.digest}), {schedules} schedules and "
        f"{processes.processes} deployed processes with {processes.revisions} revisions (SHA-256 {processes.digest})."
    )


def _prepare(origin: JobStore, target: JobStore) -> None:
    """An old schema is brought up to date in both; FROM must be there, so that a slip of the pen is no empty copy."""
    try:
        origin.ping()
    except WeaverError as error:
        raise click.ClickException(f"FROM: {error.detail}") from error
    origin.migrate()
    target.migrate()


class _Teller:
    """Writes the first line and then one every few seconds, to the standard error."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_S
            print(line, file=sys.stderr, flush=True)
