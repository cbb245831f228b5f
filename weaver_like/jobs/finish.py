"""The end of an attempt: keep the outcome, give the job back, or abandon it."""

import logging
import time

from weaver_like.domain.errors import NoSuchJob, RunFailed, Unavailable
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.job import Move, Outcome
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.jobs.attempt import Attempt
from weaver_like.jobs.chain import next_in_chain
from weaver_like.jobs.control import clear_outputs
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: How long to retry keeping a finished job while the store is unavailable.
_STORE_PATIENCE_S = 300.0
_PAUSE_S = 0.5


def finish(attempt: Attempt, outcome: Outcome) -> None:
    """Keep the outcome; what cannot be kept is a failure of this job, not of its worker.

    Raises: Unavailable, if the store stays away.
    """
    try:
        _keep(attempt, outcome)
    except Unavailable:
        raise
    except Exception as error:
        log.exception("job %s could not be kept", attempt.job.id)
        _keep(attempt, Outcome(error=RunFailed(f"The outcome could not be kept: {type(error).__name__}.")))


def _keep(attempt: Attempt, outcome: Outcome) -> None:
    rt, job, claim = attempt.rt, attempt.job, attempt.claim
    entries = attempt.reporter.take()
    if outcome.error is None:
        followers = next_in_chain(rt, job, claim.followers)
        move = Move(Status.SUCCESSFUL, job.attempt, outcome=outcome, followers=followers, entries=entries)
    else:
        discard_files(rt, attempt.results)
        move = Move(Status.FAILED, job.attempt, outcome.error.detail[:1000], outcome, entries=entries)
    if not _move(attempt, move):
        _discard(attempt)  # dismissed or taken over in the last moment
        return
    if move.to is Status.FAILED:
        clear_outputs(rt, job.id)
    for new in move.followers:
        attempt.link.submitted(new.job.id, new.job.queue)
    attempt.link.publish(StatusChanged(job.id, move.to, outbox=claim.execution.subscriber is not None))


def give_back(attempt: Attempt) -> None:
    """Put a job back into the queue whose worker was told to stop. Raises: Unavailable, if the store stays away."""
    message = "The server was stopped; the job waits for its next start."
    discard_files(attempt.rt, attempt.results)
    attempt.reporter.log(message)
    back = Move(Status.ACCEPTED, attempt.job.attempt, message, entries=attempt.reporter.take(), counted=False)
    if _move(attempt, back):
        attempt.link.submitted(attempt.job.id, attempt.job.queue)


def abandon(attempt: Attempt) -> None:
    """Leave a job that was dismissed, or taken over. Raises: Unavailable."""
    _discard(attempt)
    attempt.rt.store.logs.append(attempt.job.id, attempt.reporter.take())


def _move(attempt: Attempt, move: Move) -> bool:
    """Move a job that this worker holds, after what is left to be said of its steps.

    A store that is away is waited for, since the work is done and must not be lost.

    Raises: Unavailable, if it stays away: another worker will do the job again.
    """
    jobs, job_id = attempt.rt.store.jobs, attempt.job.id
    end, tried = time.monotonic() + _STORE_PATIENCE_S, False
    while True:
        try:
            attempt.reporter.keep_steps()
            moved = jobs.move(job_id, move)
            if not moved and tried:  # an earlier try may have come through before its connection broke
                job = jobs.get(job_id)
                moved = job.status is move.to and job.attempt == move.attempt
            return moved
        except Unavailable:
            tried = True
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)


def _discard(attempt: Attempt) -> None:
    """Remove what is left of an attempt that came to nothing; the files of another attempt at the same job stay."""
    rt, job_id = attempt.rt, attempt.job.id
    discard_files(rt, attempt.results)
    try:
        dismissed = rt.store.jobs.get(job_id).status is Status.DISMISSED
    except NoSuchJob:
        dismissed = True
    if dismissed:
        clear_outputs(rt, job_id)


def discard_files(rt: Runtime, results: list[Result]) -> None:
    """Remove published files, as far as that is possible now; what is left goes with the job's record."""
    try:
        for result in results:
            if result.path:
                rt.area.discard(result.path)
    except Unavailable as error:
        log.warning("%s The files go with their job.", error.detail)
