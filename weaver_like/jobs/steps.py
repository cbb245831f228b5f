"""The steps of a job: as its code reports them, and as they are shown."""

from dataclasses import replace

from weaver_like.domain.job import Job
from weaver_like.domain.masks import Secrets, clean
from weaver_like.domain.status import Status
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus
from weaver_like.runtime import Runtime

_NAME_CHARACTERS, _TEXT_CHARACTERS = 255, 4000
_MOST_LINES, _LINE_CHARACTERS = 20, 1000


def clean_step(step: Step, secrets: Secrets) -> Step | None:
    """A step that a job's code reports, masked and shortened; None if it has no name, or is beyond `MAX_STEPS`."""
    if not 1 <= step.number <= MAX_STEPS or not step.name:
        return None

    def cleaned(text: str, limit: int) -> str:
        return clean(secrets.mask(text), limit)

    return replace(
        step,
        name=clean(step.name, _NAME_CHARACTERS),
        command=cleaned(step.command, _TEXT_CHARACTERS),
        message=cleaned(step.message, _TEXT_CHARACTERS),
        tail=tuple(cleaned(line, _LINE_CHARACTERS) for line in step.tail[-_MOST_LINES:]),
    )


def find_steps(rt: Runtime, job: Job, after: int = 0, limit: int = 1000) -> list[Step]:
    """Steps with a number above `after`, in order. Raises: NoSuchJob.

    Steps that were open when the job ended (dismissed, killed, failed in another step) are shown as ended: no
    process was left to report it.
    """
    steps = rt.store.steps.find(job.id, after, limit)
    if job.status is Status.RUNNING:
        return steps
    return [_closed(step) for step in steps]


def _closed(step: Step) -> Step:
    if step.status.ended:
        return step
    if step.status is StepStatus.RUNNING:
        return replace(step, status=StepStatus.FAILED, message=step.message or "was ended with the job")
    return replace(step, status=StepStatus.SKIPPED, message="The job ended before this step began.")
