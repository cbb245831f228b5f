"""`hand_over`: a worker starts the run of a job in a foreign system, once, and gives up its lease."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from weaver_like.domain.errors import JobDismissed, WeaverError
from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.process import Process
from weaver_like.files.stage import Stager
from weaver_like.jobs.outputs import requested_media_types
from weaver_like.jobs.patience import patiently
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.run import JobRun, time_limit_s
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runners.base import FollowedRunner
from weaver_like.sandbox.messages import RunJob

log = logging.getLogger(__name__)
Said = TypeVar("Said")


def hand_over(run: JobRun, entry: CatalogEntry, runner: FollowedRunner, stager: Stager) -> None:
    """Start the run unless an earlier attempt has started it; the run tracker follows it from here on.

    The intent is stored before the start, and the handle after it. If a worker dies in between, the next one asks the
    foreign system for the run before it starts one.

    Raises: JobDismissed, also if another attempt has the job now; WeaverError; whatever a disk or a runner raises.
    """
    rt, job, process = run.rt, run.job, entry.process
    run.staged = stager.stage(run.claim.execution, entry.validator, run.workdir)
    kept = rt.store.followed.begin(FollowedRun(job.id, runner.kind, job.attempt, datetime.now(UTC)))
    if kept is None:
        raise JobDismissed
    handle = kept.handle
    if handle is None and kept.attempt != job.attempt:
        handle = _attended(lambda: runner.find(job.id, process.unit.target), run.reporter)
    if handle is None:
        task = _task(run, process)
        handle = _attended(lambda: runner.start(task, run.workdir), run.reporter)
    run.reporter.log(f"runs in a foreign system from here on (attempt {job.attempt})")
    rt.store.logs.append(job.id, run.reporter.take())
    _let_go(run, runner, handle, _deadline(run, process))


def _task(run: JobRun, process: Process) -> RunJob:
    return RunJob(
        job_id=run.job.id,
        process_id=run.job.process_id,
        target=process.unit.target,
        inputs=run.staged.inputs,
        outputs=requested_media_types(process, run.claim.execution),
        secrets=run.claim.execution.secrets,
    )


def _deadline(run: JobRun, process: Process) -> datetime | None:
    """When the run must end; None: never. A new attempt after the loss of a worker does not extend it."""
    limit_s = time_limit_s(run.rt.settings, process)
    if not limit_s:
        return None
    return (run.job.started or datetime.now(UTC)) + timedelta(seconds=limit_s)


def _attended(call: Callable[[], Said], reporter: Reporter) -> Said:
    """Renew the lease during a call of a foreign system. The call is never aborted: its effect would be unknown."""
    with ThreadPoolExecutor(1) as pool:
        talk: Future[Said] = pool.submit(call)
        while not wait([talk], max(0.0, reporter.due - time.monotonic())).done:
            reporter.flush()
    return talk.result()


def _let_go(run: JobRun, runner: FollowedRunner, handle: str, deadline: datetime | None) -> None:
    """Store the handle and give up the lease.

    Raises: JobDismissed, if the job was dismissed or taken over meanwhile: its run is then released; Unavailable.
    """
    followed, job = run.rt.store.followed, run.job
    if patiently(lambda: followed.hand_over(job.id, job.attempt, handle, deadline)):
        return
    try:
        runner.release(handle)
    except WeaverError as error:  # the run tracker will find and release it
        log.warning("job %s was dismissed, and its run could not be ended: %s", job.id, error.detail)
    raise JobDismissed
