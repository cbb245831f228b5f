"""Errors: one class for each row of the exception tables of the standards."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

EXCEPTIONS = "http://www.opengis.net/def/exceptions/"
PART1 = EXCEPTIONS + "ogcapi-processes-1/1.0/"
PART2 = EXCEPTIONS + "ogcapi-processes-2/1.0/"


class FaultKind(StrEnum):
    """The kind of a fault: something required is missing, or anything else is wrong."""

    REQUIRED = "required"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where (JSON pointer, RFC 6901) and what, in words for people."""

    pointer: str
    detail: str
    kind: FaultKind = FaultKind.INVALID


class WeaverError(Exception):
    """Base of every error that a client may see.

    Attributes:
        type_uri: the exact URI of the standard (with http:), "about:blank" where it names none.
        status: HTTP status code.
        ows_code: exception code of WPS.
        detail: what was expected, what was found, and where.
        faults: every single fault; may be empty.
        retry_after_s: seconds after which the request may succeed, else None.
        job_id: the job that failed with this error, else None.
    Source: RFC 9457; OGC 18-062r2 section 7 and requirements "*-exception*".
    """

    type_uri = "about:blank"
    status = 500
    ows_code = "NoApplicableCode"
    title = "Internal error"
    retry_after_s: int | None = None
    job_id: str | None = None

    def __init__(self, detail: str = "", *, faults: Sequence[Fault] = (), retry_after_s: int | None = None):
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.faults = tuple(faults)
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class NoSuchProcess(WeaverError):
    type_uri, status = PART1 + "no-such-process", 404
    ows_code, title = "NoSuchProcess", "No such process"


class NoSuchJob(WeaverError):
    type_uri, status = PART1 + "no-such-job", 404
    ows_code, title = "NoSuchJob", "No such job"


class NoSuchSchedule(WeaverError):
    status, title = 404, "No such schedule"


class ResultNotReady(WeaverError):
    type_uri, status = PART1 + "result-not-ready", 404
    ows_code, title = "ResultNotReady", "Results are not ready"


class ResultNotAvailable(WeaverError):
    type_uri, status = PART1 + "result-not-available", 404
    title = "Results are not available"


class NoSuchOutput(WeaverError):
    type_uri, status = PART1 + "no-such-output", 400
    ows_code, title = "InvalidParameterValue", "No such output"


class OutputNotRequested(NoSuchOutput):
    """The process has this output, but the execute request did not ask for it (2.0: 404)."""

    type_uri, status = PART1 + "result-not-available", 404
    title = "Output was not requested"


class ProcessExists(WeaverError):
    """The id of a process is taken. process_id: the existing process, for a header `Location`."""

    status, title = 409, "Process already exists"

    def __init__(self, detail: str = "", *, process_id: str | None = None, faults: Sequence[Fault] = ()):
        super().__init__(detail, faults=faults)
        self.process_id = process_id


class DuplicatedProcess(ProcessExists):
    type_uri, status = PART2 + "duplicated-process", 409
    title = "Process already exists"


class ImmutableProcess(ProcessExists):
    type_uri, status = PART2 + "immutable-process", 403
    title = "Process cannot be changed"


class WorkflowNotFound(WeaverError):
    type_uri, status = PART2 + "workflow-not-found", 400
    title = "No such workflow in the package"


class UnsupportedPackage(WeaverError):
    type_uri, status = PART2 + "unsupported-media-type", 415
    title = "Unsupported media type"


class InvalidPackage(WeaverError):
    """A deployed package cannot be run: the text says why, and where in the document."""

    status, title = 400, "Invalid application package"


class InvalidQueryParameter(WeaverError):
    type_uri, status = PART1 + "invalid-query-parameter-value", 400
    ows_code, title = "InvalidParameterValue", "Invalid query parameter"


class InvalidInput(WeaverError):
    """A request, or one of its inputs, does not match the description of the process."""

    status, ows_code, title = 400, "InvalidParameterValue", "Invalid request"


class MissingInput(InvalidInput):
    ows_code, title = "MissingParameterValue", "Missing input"


class NotFound(WeaverError):
    status, title = 404, "Not found"


class NotAuthorized(WeaverError):
    status, title = 403, "Forbidden"


class MethodNotAllowed(WeaverError):
    status, title = 405, "Method not allowed"


class Conflict(WeaverError):
    """The request contradicts the current state."""

    status, title = 409, "Conflict"


class NotAcceptable(WeaverError):
    status, title = 406, "Not acceptable"


class TooLarge(WeaverError):
    status, ows_code, title = 413, "FileSizeExceeded", "Too large"


class UnsupportedMediaType(WeaverError):
    status, title = 415, "Unsupported media type"


class ServerBusy(WeaverError):
    status, ows_code, title = 503, "ServerBusy", "Server is busy"


class Unavailable(WeaverError):
    """A service that this one needs (store, broker, file store) is unavailable; the request may succeed later."""

    status, title, retry_after_s = 503, "A backend service is unavailable", 5


class FetchFailed(WeaverError):
    """An input given by reference could not be fetched: unreachable, refused or too large."""

    status, title = 400, "Input could not be fetched"


class FetchTooLarge(FetchFailed):
    """The target of a reference has more bytes than are allowed."""


class RunFailed(WeaverError):
    """The process itself failed, was killed, or exceeded its limits."""

    status, title = 500, "Execution failed"


class JobDismissed(WeaverError):
    """Work stopped because the job was dismissed."""

    type_uri, status = PART1 + "result-not-available", 404
    title = "Job was dismissed"


class SettingError(WeaverError):
    """A setting is unknown or its value is not allowed: the start ends with this error."""

    title = "Invalid setting"


class CopyFailed(WeaverError):
    """Jobs must not be copied from one store to another now, or the stores differ afterwards."""

    title = "Stores differ"


def restore(name: str, detail: str, faults: Sequence[Fault] = ()) -> WeaverError:
    """Restore the stored error of a failed job; an unknown name becomes `RunFailed`."""
    kinds = {kind.__name__: kind for kind in _descendants(WeaverError)}
    return kinds.get(name, RunFailed)(detail, faults=faults)


def _descendants(kind: type[WeaverError]) -> list[type[WeaverError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _descendants(child))]
