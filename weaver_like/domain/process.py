"""A process, its inputs and outputs."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobControl(StrEnum):
    SYNC = "sync-execute"
    ASYNC = "async-execute"
    DISMISS = "dismiss"


class Transmission(StrEnum):
    VALUE = "value"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class InputDescription:
    """One input of a process.

    Args:
        schema: of a single occurrence; its `default`, of an input that may occur several times, is the list of them.
        max_occurs: None is "unbounded".
        may_be_empty: an empty list is a value too, though the input must be given.
        default: as it would stand in a request; the server puts it where a client gives none. None: there is none, or
            the process itself has one.
    Source: OGC 18-062r2, inputDescription.yaml.
    """

    id: str
    schema: dict[str, Any]
    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()
    min_occurs: int = 1
    max_occurs: int | None = 1
    may_be_empty: bool = False
    default: object = None
    additional_parameters: dict[str, Any] | None = None

    @property
    def repeatable(self) -> bool:
        return self.max_occurs is None or self.max_occurs > 1

    @property
    def secret(self) -> bool:
        """Whether nobody may see its values again. Source: OpenAPI 3.0, Schema Object, `writeOnly`."""
        return self.schema.get("writeOnly") is True


@dataclass(frozen=True, slots=True)
class OutputDescription:
    """One output of a process.

    Source: OGC 18-062r2, outputDescription.yaml.
    """

    id: str
    schema: dict[str, Any]
    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()
    additional_parameters: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ExecutionUnit:
    """What runs a process.

    Args:
        runner: kind of the runner.
        target: what that runner needs to find the process (JSON, no secret).
        time_limit_s, memory_limit_bytes: 0 leaves the limits to the server.
        queue: name of the queue whose workers may run it (e.g. those with a GPU); an engine without queues ignores it.
    """

    runner: str
    target: dict[str, Any]
    time_limit_s: float = 0
    memory_limit_bytes: int = 0
    queue: str = "default"


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it is described and run.

    Args:
        deployed: when a client deployed it (aware, UTC), if it is on offer; it distinguishes a revision from a removed
            one of the same version.
        additional_parameters: as edition 1.0 has them, descriptionType.yaml.
        links: of its author, as link.yaml has them, beside those of the server.
        output_transmission: how outputs may be asked for.
    """

    id: str
    version: str
    unit: ExecutionUnit
    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()
    job_control: tuple[JobControl, ...] = (JobControl.SYNC, JobControl.ASYNC, JobControl.DISMISS)
    inputs: dict[str, InputDescription] = field(default_factory=dict)
    outputs: dict[str, OutputDescription] = field(default_factory=dict)
    mutable: bool = False
    deployed: datetime | None = None
    additional_parameters: dict[str, Any] | None = None
    links: tuple[dict[str, Any], ...] = ()
    output_transmission: tuple[Transmission, ...] = (Transmission.VALUE, Transmission.REFERENCE)

    def run_by(self, runner: str) -> "Process":
        """The same process, with its execution unit run by another kind of runner."""
        return replace(self, unit=replace(self.unit, runner=runner))

    @property
    def secret_inputs(self) -> tuple[str, ...]:
        """Ids of the inputs whose values nobody may see again."""
        return tuple(name for name, port in self.inputs.items() if port.secret)

    @property
    def sync(self) -> bool:
        return JobControl.SYNC in self.job_control

    @property
    def asynchronous(self) -> bool:
        return JobControl.ASYNC in self.job_control


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as it was found: its processes, or the error that kept it out.

    deployed: it is a deployed package, not a file.
    """

    name: str
    processes: tuple[Process, ...] = ()
    error: str | None = None
    traceback: str | None = None
    deployed: bool = False
