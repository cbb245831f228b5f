"""What comes of one document: a dry run of its deployment and, where there is a job beside it, an execution."""

from dataclasses import dataclass
from enum import StrEnum

from tests.collection.entries import Entry
from tests.conformance.cwl import bundle
from tests.conformance.cwl.compare import Mismatch
from tests.conformance.cwl.inputs import Place, execution_inputs
from tests.conformance.cwl.results import collect
from tests.conformance.cwl.server import JobFailed, JobHung, Refused, Server
from tests.conformance.cwl.suite import Case


class Verdict(StrEnum):
    """In the order of the report.

    ERROR: the server misbehaved.  REFUSED: it does not take the package.  FAILED: it does not take the job, or that
    failed.  ACCEPTED: it takes the package; nothing was executed.  PASSED: the job was successful.
    """

    ERROR = "error"
    REFUSED = "refused"
    FAILED = "failed"
    ACCEPTED = "accepted"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Finding:
    """name: of the document in its folder."""

    name: str
    verdict: Verdict
    reason: str = ""


def attempt(entry: Entry, server: Server, place: Place) -> Finding:
    """Try a document; whatever comes of it is a finding."""
    try:
        server.try_deployment(entry.package, entry.name)
    except Refused as refused:
        return Finding(entry.name, Verdict.REFUSED, str(refused))
    except (Mismatch, OSError, ValueError) as error:
        return _error(entry, error)
    if entry.job is None:
        return Finding(entry.name, Verdict.ACCEPTED, "no job file beside it")
    if bundle.needs_docker(entry.package):
        return Finding(entry.name, Verdict.ACCEPTED, "not executed: it needs a container")
    return _execute(entry, server, place)


def _execute(entry: Entry, server: Server, place: Place) -> Finding:
    case = Case(entry.name, frozenset(), entry.package.files[0], None, entry.job, None, False)
    try:
        inputs = execution_inputs(case, entry.package, place)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Finding(entry.name, Verdict.FAILED, f"its job {entry.job.name} cannot be sent: {error}")
    try:
        with server.deployed(entry.package, entry.name) as process_id:
            collect(server.execute(process_id, inputs), server.fetch)
    except (JobFailed, JobHung) as failure:
        return Finding(entry.name, Verdict.FAILED, str(failure))
    except Refused as refused:
        return Finding(entry.name, Verdict.FAILED, f"the job was refused: {refused}")
    except (Mismatch, OSError, ValueError) as error:
        return _error(entry, error)
    return Finding(entry.name, Verdict.PASSED)


def _error(entry: Entry, error: Exception) -> Finding:
    text = str(error) if isinstance(error, Mismatch) else f"{type(error).__name__}: {error}"
    return Finding(entry.name, Verdict.ERROR, text)
