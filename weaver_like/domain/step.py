"""A step of a job: a command or expression of an application package, or a part of a workflow made of such steps."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Most steps shown of one job; later ones run, but are not shown.
MAX_STEPS = 10_000


class StepStatus(StrEnum):
    """REUSED: its outputs are those of an earlier run of the same tool with the same inputs."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    SKIPPED = "skipped"
    REUSED = "reused"

    @property
    def ended(self) -> bool:
        return self not in (StepStatus.ACCEPTED, StepStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a step; times are aware, UTC.

    Args:
        number: counts from 1 within the job, in the order in which steps became known.
        name: its path in the workflow: "crop", "sub/crop" in a subworkflow, "crop/2" of a scattered step.
        exit_code: of the command; negative: the signal that killed it.
        cpu_s, peak_bytes: of the command and what it started; None if not known.
        tail: the last lines that it printed.
        job: id of the job that it is, if it runs a process of this server.
    """

    number: int
    name: str
    status: StepStatus
    started: datetime | None = None
    finished: datetime | None = None
    command: str = ""
    exit_code: int | None = None
    message: str = ""
    cpu_s: float | None = None
    peak_bytes: int | None = None
    tail: tuple[str, ...] = ()
    job: str | None = None
