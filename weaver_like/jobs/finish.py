"""The end of a run: keep the outcome, give the job back, or abandon it."""

import logging

from weaver_like.domain.errors import NoSuchJob, RunFailed, Unavailable
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.job import LogEntry, Move, Outcome
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.jobs.chain import next_in_chain
from weaver_like.jobs.control import clear_outputs
from weaver_like.jobs.patience import patiently
from weaver_like.jobs.run import JobRun
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)


def finish(run: JobRun, outcome: Outcome, waits: bool = True) -> None:
    """Store the outcome; an outcome that cannot be stored fails this job, not its worker.

    waits: for a store that is away: the work is done and must not be lost.
    Raises: Unavailable, if the store stays away, or is away and this does not wait; nothing was changed then.
    """
    entries = run.reporter.take()
    try:
        _keep(run, outcome, entries, waits)
    except Unavailable:
        run.reporter.put_back(entries)
        raise
    except Exception as error:
        log.exception("job %s could not be kept", run.job.id)
        _keep(run, Outcome(error=RunFailed(f"The outcome could not be kept: {type(error).__name__}.")), entries, waits)


def _keep(run: JobRun, outcome: Outcome, entries: list[LogEntry], waits: bool) -> None:
    rt, job, claim = run.rt, run.job, run.claim
    if outcome.error is None:
        followers = next_in_chain(rt, job, claim.followers)
        move = Move(Status.SUCCESSFUL, job.attempt, outcome=outcome, followers=followers, entries=entries)
    else:
        discard_files(rt, run.results)
        move = Move(Status.FAILED, job.attempt, outcome.error.detail[:1000], outcome, entries=entries)
    if not _move(run, move, waits):
        _discard(run)  # dismissed or taken over at the last moment
        return
    if move.to is Status.FAILED:
        clear_outputs(rt, job.id)
    for new in move.followers:
        run.link.submitted(new.job.id, new.job.queue)
    run.link.publish(StatusChanged(job.id, move.to, outbox=claim.execution.subscriber is not None))


def give_back(run: JobRun) -> None:
    """Put a job back into the queue, because its worker must stop. Raises: Unavailable, if the store stays away."""
    message = "The worker was stopped; the job waits for another one."
    discard_files(run.rt, run.results)
    run.reporter.log(message)
    back = Move(Status.ACCEPTED, run.job.attempt, message, entries=run.reporter.take(), counted=False)
    if _move(run, back):
        run.link.submitted(run.job.id, run.job.queue)


def abandon(run: JobRun) -> None:
    """Leave a job that was dismissed, or taken over. Raises: Unavailable."""
    _discard(run)
    run.rt.store.logs.append(run.job.id, run.reporter.take())


def _move(run: JobRun, move: Move, waits: bool = True) -> bool:
    """Store the remaining reports of steps, then move the job.

    Raises: Unavailable: another worker then repeats the job, unless it is moved later.
    """
    jobs, job_id, tried = run.rt.store.jobs, run.job.id, False

    def ask() -> bool:
        nonlocal tried
        again, tried = tried, True
        run.reporter.keep_steps()
        moved = jobs.move(job_id, move)
        if not moved and again:  # an earlier try may have succeeded before its connection broke
            job = jobs.get(job_id)
            moved = job.status is move.to and job.attempt == move.attempt
        return moved

    return patiently(ask) if waits else ask()


def _discard(run: JobRun) -> None:
    """Remove the files of an attempt without an outcome; those of another attempt at the same job stay."""
    rt, job_id = run.rt, run.job.id
    discard_files(rt, run.results)
    try:
        dismissed = rt.store.jobs.get(job_id).status is Status.DISMISSED
    except NoSuchJob:
        dismissed = True
    if dismissed:
        clear_outputs(rt, job_id)


def discard_files(rt: Runtime, results: list[Result]) -> None:
    """Remove published files if possible; the rest are removed together with the job."""
    try:
        for result in results:
            if result.path:
                rt.area.discard(result.path)
    except Unavailable as error:
        log.warning("%s The files are removed together with their job.", error.detail)
