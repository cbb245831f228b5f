"""The form of an answer with results: raw, links, multipart or document. The rows of docs/conformance.rst, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from weaver_like.domain.execution import Execution, ResponseForm, Transmission
from weaver_like.domain.formats import HTML, is_json
from weaver_like.domain.results import Result
from weaver_like.jobs.results import JobResults

_MULTIPART = "multipart/related"


class Form(StrEnum):
    RAW = "raw"
    LINKS = "links"
    MULTIPART = "multipart"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the client asks of the answer, beside what the execute request says.

    Args:
        document: it asks for the results document by its profile, or for JSON by `f`.
        fresh: this is the answer to the execute request itself.
        preference: "minimal", "representation" or None.
        json_before: whether its header Accept names JSON, and likes it better than another media type.
        own_type: media type of the one result, as itself.
    """

    document: bool
    fresh: bool
    preference: str | None
    json_before: Callable[[str], bool]
    own_type: Callable[[], str]


def choose_form(found: JobResults, wishes: Wishes) -> Form:
    """Two editions, one request: 1.0 wins unless the request shows 2.0."""
    execution, several = found.execution, len(found.requested) > 1
    if not found.results:
        return Form.DOCUMENT  # a multipart body without parts is none (RFC 2046, 5.1.1)
    if execution.response is ResponseForm.DOCUMENT or wishes.document:
        return Form.DOCUMENT
    if several and wishes.preference and execution.response is None:
        return Form.DOCUMENT
    if several and not _shows_first_edition(execution) and wishes.json_before(_MULTIPART):
        return Form.DOCUMENT
    if not wishes.fresh and not _single_json(found):
        other = _MULTIPART if several else wishes.own_type()
        if wishes.json_before(other):
            return Form.DOCUMENT
    if all(by_reference(execution, result) for result in found.results):
        return Form.LINKS
    if not several and len(found.results) == 1:
        return Form.RAW
    return Form.MULTIPART


def by_reference(execution: Execution, result: Result) -> bool:
    """Whether the execute request wants an output by reference."""
    wanted = (execution.outputs or {}).get(result.output)
    return wanted is not None and wanted.transmission is Transmission.REFERENCE


def holds_html(found: JobResults) -> bool:
    """True if the one result is an HTML page itself."""
    return len(found.results) == 1 and found.results[0].format.media_type == HTML


def _shows_first_edition(execution: Execution) -> bool:
    """True if the request has a member that only 1.0 has."""
    if execution.response is not None:
        return True
    return any(wanted.transmission is not None for wanted in (execution.outputs or {}).values())


def _single_json(found: JobResults) -> bool:
    """True if the one result, as itself, is JSON already."""
    if len(found.requested) != 1 or len(found.results) != 1:
        return False
    result = found.results[0]
    if result.path is None and not result.format.media_type:
        return True
    return is_json(result.format.media_type)
