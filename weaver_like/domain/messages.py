"""Messages of a job's code in its child, the answers to them, and its inputs and outputs."""

import logging
from datetime import datetime
from typing import Any

from weaver_like.domain.codec import message
from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.domain.step import Step


@message("value")
class InputValue:
    """One occurrence of an input, by value. value: JSON."""

    value: object
    media_type: str | None = None
    encoding: str | None = None


@message("file")
class InputFile:
    """One occurrence of an input as a file in the work folder; where a folder is wanted, as that or as an archive."""

    path: str
    media_type: str | None = None


@message("reference")
class InputReference:
    """One occurrence of an input by reference, for runners that fetch it themselves."""

    href: str
    media_type: str | None = None


#: One occurrence of an input, as a runner gets it.
RunInput = InputValue | InputFile | InputReference


@message("value")
class OutputValue:
    """An output by value. value: JSON.  files: the places of file paths in it, as keys and indices."""

    value: object
    files: tuple[tuple[str | int, ...], ...] = ()


@message("file")
class OutputFile:
    """An output as a file in the work folder. format_uri: the format that the file states, if no media type."""

    path: str
    media_type: str | None = None
    format_uri: str | None = None


@message("array")
class OutputArray:
    """Several results of one output."""

    items: tuple[OutputValue | OutputFile, ...]


#: What a run produced for one output.
RunOutput = OutputValue | OutputFile | OutputArray


@message("progress")
class Progress:
    """The progress of the run. percent: 0 to 100.  message: one line, None if unchanged."""

    percent: int
    message: str | None = None


@message("log")
class LogLine:
    """A line for the job's log. level: as in the module logging."""

    text: str
    level: int = logging.INFO


@message("step")
class StepChange:
    """The present state of a step."""

    step: Step


@message()
class Usage:
    """What a child and those that it waited for have used."""

    cpu_s: float
    peak_bytes: int


@message("done")
class Done:
    """The run was successful. outputs: by id."""

    outputs: dict[str, RunOutput]
    usage: Usage = Usage(0.0, 0)


@message()
class Blame:
    """An input is to blame for a failure. input: its name; None: the inputs together, or an unknown one."""

    input: str | None
    detail: str


@message("failed")
class Failed:
    """The run failed. traceback: None if the text says everything.  out_of_memory: it ran out of memory."""

    detail: str
    traceback: str | None = None
    blame: Blame | None = None
    out_of_memory: bool = False


@message("inspected")
class Inspected:
    """What a reader of application packages found. document: JSON, as the room `deployment` understands it."""

    document: dict[str, Any]


@message()
class WantedJob:
    """A job that the job's code wants to submit. inputs: as in an execute request."""

    process_id: str
    inputs: dict[str, Any]


@message("submit")
class SubmitJobs:
    """Asks for jobs that run one after the other, each only if the one before was successful.

    Answered by `JobAccepted` with the first, or `RequestRefused`.
    """

    steps: tuple[WantedJob, ...]
    priority: int | None = None


@message("process")
class RunProcess:
    """Asks for the run of a process of this server, as a job of its own, for a step of the running job.

    Answered by `JobAccepted` or `RequestRefused`; `JobEnded` comes when that job has ended.

    Args:
        step: the step, as it is known by now.
        version, deployed: of the revision; None for processes without revisions.
        inputs: id -> what the step gives, in the form of outputs of a run: files lie in the work folder.
    """

    step: Step
    process_id: str
    version: str | None
    deployed: datetime | None
    inputs: dict[str, RunOutput]


@message("beside")
class FetchBeside:
    """Asks for a file that lies next to a fetched input at its origin. Answered by `FileFetched`.

    path: where the file shall be put.
    """

    path: str


@message("remote")
class FetchRemote:
    """Asks for a file at an address that the package names. Answered by `RemoteFetched` or `RequestRefused`."""

    url: str


@message("fetch")
class FetchDocument:
    """Asks for a document that a package refers to. Answered by `DocumentFetched` or `RequestRefused`."""

    url: str


@message("describe")
class DescribeProcess:
    """Asks for a process of this server that a package names as the `run` of a step.

    Answered by `ProcessDescribed` or `RequestRefused`. reference: its id, `id:version`, or its URL.
    """

    reference: str


@message("accepted")
class JobAccepted:
    """Answers `SubmitJobs` and `RunProcess`."""

    job_id: str


@message("job-ended")
class JobEnded:
    """A job that `RunProcess` asked for has ended.

    Args:
        outputs: id -> what it gave; files lie in the work folder of the job that asked.
        error: why it failed; None if it was successful.
    """

    job_id: str
    outputs: dict[str, RunOutput]
    error: str | None = None


@message("described")
class ProcessDescribed:
    """Answers `DescribeProcess`.

    Args:
        version, deployed: of the revision; None for processes without revisions.
        runs: ids of the processes that its own steps run, in turn.
    """

    process_id: str
    version: str | None
    deployed: datetime | None
    inputs: tuple[InputDescription, ...]
    outputs: tuple[OutputDescription, ...]
    runs: tuple[str, ...] = ()


@message("file")
class FileFetched:
    """Answers `FetchBeside`. found: False if there is no such file."""

    found: bool


@message("remote")
class RemoteFetched:
    """Answers `FetchRemote`."""

    path: str


@message("document")
class DocumentFetched:
    """Answers `FetchDocument`."""

    text: str


@message("refused")
class RequestRefused:
    """Answers any request that cannot be fulfilled."""

    reason: str


#: How a run ends.
RunEnd = Done | Failed | Inspected
Question = SubmitJobs | RunProcess | FetchBeside | FetchRemote | FetchDocument | DescribeProcess
Answer = JobAccepted | FileFetched | RemoteFetched | DocumentFetched | ProcessDescribed | RequestRefused
#: All messages of a child.
ChildMessage = Progress | LogLine | StepChange | RunEnd | Question
