"""Dismissing and removing jobs."""

import logging
from collections.abc import Iterator
from dataclasses import replace

from weaver_like.domain.errors import NoSuchJob, Unavailable
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.job import Job, Move
from weaver_like.domain.status import Status
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
_OF_ENDED = "The job that it was a step of has ended."
#: Steps that are read at once.
_PAGE = 1000


def dismiss_job(rt: Runtime, job: Job) -> Job:
    """Dismiss an unfinished job, or remove a finished one; the job as it is reported: dismissed.

    Jobs that are steps of a running one are dismissed with it.

    The status changes first, by compare-and-set, so a late success of the worker changes nothing.
    Raises: NoSuchJob; Unavailable, if its files cannot be removed now: then the job stays.
    Source: 2.0 draft, /req/dismiss/job-dismiss-status; the answer also fits 1.0, /req/dismiss/job-dismiss-success.
    """
    job_id = job.id
    if not job.status.final and rt.store.jobs.move(job_id, Move(Status.DISMISSED)):
        for dismissed in (job_id, *(part.id for part in dismiss_parts(rt, job_id))):
            if rt.engine is not None:
                rt.engine.publish(StatusChanged(dismissed, Status.DISMISSED, outbox=True))
                rt.engine.cancel(dismissed)
        if job.status is Status.ACCEPTED:
            clear_outputs(rt, job_id)
        return rt.store.jobs.get(job_id)
    job = rt.store.jobs.get(job_id)
    rt.area.remove(job_id)  # before its record: a job whose files cannot be removed now can still be found
    rt.store.jobs.delete(job_id)
    return replace(job, status=Status.DISMISSED, message="The job was removed.")


def dismiss_parts(rt: Runtime, job_id: str) -> Iterator[Job]:
    """Dismiss the jobs that are steps of the last attempt at a job, and theirs; yields each that had not ended.

    Raises: Unavailable.
    """
    for part_id in list(_find_parts(rt, job_id)):
        yield from dismiss_part(rt, part_id)


def dismiss_part(rt: Runtime, job_id: str) -> Iterator[Job]:
    """Dismiss a job that is a step of another one, unless it has ended, with its own; yields those that had not.

    Raises: Unavailable.
    """
    try:
        part = rt.store.jobs.get(job_id)
        if part.status.final or not rt.store.jobs.move(job_id, Move(Status.DISMISSED, message=_OF_ENDED)):
            return
        if part.status is Status.ACCEPTED:
            clear_outputs(rt, job_id)
        yield rt.store.jobs.get(job_id)
    except NoSuchJob:
        return
    yield from dismiss_parts(rt, job_id)


def _find_parts(rt: Runtime, job_id: str) -> Iterator[str]:
    after = 0
    while True:
        try:
            steps = rt.store.steps.find(job_id, after, _PAGE)
        except NoSuchJob:
            return
        yield from (step.job for step in steps if step.job)
        if len(steps) < _PAGE:
            return
        after = steps[-1].number


def clear_outputs(rt: Runtime, job_id: str) -> None:
    """Remove the files of a job without results, if possible; otherwise they are removed together with the job."""
    try:
        rt.area.remove(job_id)
    except Unavailable as error:
        log.warning("job %s: %s Its files are removed together with the job.", job_id, error.detail)
