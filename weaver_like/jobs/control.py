"""Dismissing and removing jobs."""

import logging
from dataclasses import replace

from weaver_like.domain.errors import Unavailable
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.job import Job, Move
from weaver_like.domain.status import Status
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)


def dismiss_job(rt: Runtime, job: Job) -> Job:
    """Dismiss an unfinished job, or remove a finished one; the job as it is reported: dismissed.

    The status changes first, by compare-and-set, so a late success of the worker changes nothing.
    Raises: NoSuchJob; Unavailable, if its files cannot be removed now: then the job stays.
    Source: 2.0 draft, /req/dismiss/job-dismiss-status; the answer also fits 1.0, /req/dismiss/job-dismiss-success.
    """
    job_id = job.id
    if not job.status.final and rt.store.jobs.move(job_id, Move(Status.DISMISSED)):
        if rt.engine is not None:
            rt.engine.publish(StatusChanged(job_id, Status.DISMISSED, outbox=True))
            rt.engine.cancel(job_id)
        if job.status is Status.ACCEPTED:
            clear_outputs(rt, job_id)
        return rt.store.jobs.get(job_id)
    job = rt.store.jobs.get(job_id)
    rt.area.remove(job_id)  # before its record: a job whose files cannot be removed now can still be found
    rt.store.jobs.delete(job_id)
    return replace(job, status=Status.DISMISSED, message="The job was removed.")


def clear_outputs(rt: Runtime, job_id: str) -> None:
    """Remove the files of a job without results, if possible; otherwise they are removed together with the job."""
    try:
        rt.area.remove(job_id)
    except Unavailable as error:
        log.warning("job %s: %s Its files are removed together with the job.", job_id, error.detail)
