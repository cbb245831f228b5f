"""`find_steps`: the steps of a job as they are shown."""

from dataclasses import replace

from weaver_like.domain.job import Job
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.runtime import Runtime


def find_steps(rt: Runtime, job: Job, after: int = 0, limit: int = 1000) -> list[Step]:
    """Steps with a number above `after`, in order. Raises: NoSuchJob.

    What was open when the job ended (dismissed, killed, failed in another step) did not go on: nobody was there to say so.
    """
    steps = rt.store.steps.find(job.id, after, limit)
    return steps if job.status is Status.RUNNING else [_closed(step) for step in steps]


def _closed(step: Step) -> Step:
    if step.status.ended:
        return step
    if step.status is StepStatus.RUNNING:
        return replace(step, status=StepStatus.FAILED, message=step.message or "was ended with the job")
    return replace(step, status=StepStatus.SKIPPED, message="The job ended before this step began.")
