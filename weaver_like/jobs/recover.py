"""Lost jobs and old jobs."""

import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from weaver_like.domain.errors import NoSuchJob, RunFailed
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.job import Job, LogEntry, Move, Outcome
from weaver_like.domain.status import Status
from weaver_like.engines.base import Engine
from weaver_like.files.stepcache import StepCache
from weaver_like.jobs.control import clear_outputs, dismiss_parts
from weaver_like.runners.base import ChildRunner, Runner
from weaver_like.runtime import Runtime
from weaver_like.sandbox.groups import remove_groups, sweep_groups

log = logging.getLogger(__name__)
_SWEEP_BATCH = 500


def announce(engine: Engine, job: Job) -> None:
    """Tell listeners that a lost job, or a step of one, has changed; and workers that it waits, or must end."""
    engine.publish(StatusChanged(job.id, job.status, outbox=True))
    if job.status is Status.DISMISSED:
        engine.cancel(job.id)
    else:
        engine.submit(job.id, job.queue)


def recover_lost(
    rt: Runtime,
    worker_prefix: str | None,
    announce: Callable[[Job], None],
    is_lost: Callable[[Job], bool] = lambda _job: True,
) -> int:
    """Put the jobs of lost workers back into the queue, or fail those without attempts left; how many were lost.

    Jobs that are steps of a lost attempt are dismissed: the next attempt makes its own.

    worker_prefix: of workers that are known to be dead; None: of workers whose lease has expired.
    announce: called for each job in its new status.  is_lost: a second check that the worker is lost.
    """
    now = datetime.now(UTC)
    lost = [job for job in rt.store.jobs.find_lost(now, worker_prefix) if is_lost(job)]
    for job in lost:
        for part in dismiss_parts(rt, job.id):
            announce(part)
    for job in lost:
        entry = LogEntry(now, logging.WARNING, f"The worker of attempt {job.attempt} was lost.")
        clear_outputs(rt, job.id)
        if job.losses + 1 < rt.settings.jobs.max_attempts:
            to, outcome, message = Status.ACCEPTED, None, "The worker was lost; the job waits for another."
        else:
            error = RunFailed(f"The worker was lost {job.losses + 1} times.")
            to, outcome, message = Status.FAILED, Outcome(error=error), error.detail
        if rt.store.jobs.move(job.id, Move(to, job.attempt, message, outcome, entries=[entry])):
            log.warning("job %s: worker %s was lost in attempt %s; now %s", job.id, job.worker, job.attempt, to)
            announce(rt.store.jobs.get(job.id))
    if worker_prefix:
        _clear_ended(rt)
    return len(lost)


def _clear_ended(rt: Runtime) -> None:
    """Remove work folders of attempts that do not run: a worker may die at the end of a job, before it clears up."""
    for folder in rt.settings.work_dir.iterdir():
        job_id, _, attempt = folder.name.rpartition("-")
        try:
            job = rt.store.jobs.get(job_id)
            in_use = job.status is Status.RUNNING and str(job.attempt) == attempt
        except NoSuchJob:
            in_use = False
        if not in_use:
            clear_attempt(rt, folder)


def clear_attempt(rt: Runtime, workdir: Path, runner: Runner | None = None) -> None:
    """Remove everything that an attempt left on this machine: what its commands left running, and its files.

    runner: of the attempt; None: it is not known.
    """
    if not isinstance(runner, ChildRunner) or runner.starts_commands:
        remove_groups(workdir)
    for possible in rt.runners.values() if runner is None else [runner]:
        possible.cleanup(workdir)
    shutil.rmtree(workdir, ignore_errors=True)


def clear_work(rt: Runtime) -> None:
    """Remove what dead workers left in the work folder.

    Only for the process that holds the lock of the data folder, before its workers start.
    """
    for folder in rt.settings.work_dir.iterdir():
        clear_attempt(rt, folder)
    sweep_groups(rt.settings.work_dir)


def sweep_steps(rt: Runtime) -> int:
    """Remove outputs of steps that were not reused for long. Each server sweeps those of its own data folder."""
    jobs = rt.settings.jobs
    return StepCache(rt.settings.step_cache_dir, jobs.reuse_bytes).sweep(jobs.reuse_keep_days)


def sweep_old(rt: Runtime) -> int:
    """Remove finished jobs older than `jobs.keep_days` with their files; how many there were. 0 keeps everything."""
    keep_days = rt.settings.jobs.keep_days
    if not keep_days:
        return 0
    removed = 0
    before = datetime.now(UTC) - timedelta(days=keep_days)
    while batch := rt.store.jobs.find_finished(before, _SWEEP_BATCH):
        for job_id in batch:
            rt.area.remove(job_id)
            removed += rt.store.jobs.delete(job_id)
    return removed
