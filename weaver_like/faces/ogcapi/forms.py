"""The form of an answer with results: raw, links, multipart or document. The rows of docs/conformance.rst, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from weaver_like.domain.execution import Execution, ResponseForm
from weaver_like.domain.formats import HTML, is_json
from weaver_like.domain.process import Transmission
from weaver_like.domain.results import Result
from weaver_like.jobs.results import JobResults

_MULTIPART = "multipart/related"


class Form(StrEnum):
    """What a results answer is: the value itself, links to values, a part for each value, or one JSON document."""

    RAW = "raw"
    LINKS = "links"
    MULTIPART = "multipart"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the client asks of the answer, apart from what the execute request says.

    Args:
        document: it asks for the results document by its profile, or for JSON by `f`.
        fresh: this is the answer to the execute request itself.
        preference: `return` of the Prefer header: "minimal", "representation" or None.
        json_before: tells whether the Accept header names JSON and likes it better than a media type.
        own_type: tells the media type of the single result.
    """

    document: bool
    fresh: bool
    preference: str | None
    json_before: Callable[[str], bool]
    own_type: Callable[[], str]


def choose_form(found: JobResults, wishes: Wishes) -> Form:
    """Rows 3 to 8 of the table. Two editions may ask in one request: 1.0 wins unless the request shows 2.0."""
    if not found.results:
        return Form.DOCUMENT  # a multipart body must have a part (RFC 2046, section 5.1.1)
    if _is_document(found, wishes):
        return Form.DOCUMENT
    if all(by_reference(found.execution, result) for result in found.results):
        return Form.LINKS
    if len(found.requested) <= 1 and len(found.results) == 1:
        return Form.RAW
    return Form.MULTIPART


def _is_document(found: JobResults, wishes: Wishes) -> bool:
    execution, several = found.execution, len(found.requested) > 1
    if execution.response is ResponseForm.DOCUMENT or wishes.document:
        return True
    if several and wishes.preference and execution.response is None:
        return True
    if several and not _shows_first_edition(execution) and wishes.json_before(_MULTIPART):
        return True
    if wishes.fresh or _is_single_json(found):
        return False
    other = _MULTIPART if several else wishes.own_type()
    return wishes.json_before(other)


def by_reference(execution: Execution, result: Result) -> bool:
    """Whether the execute request asks for an output by reference."""
    request = (execution.outputs or {}).get(result.output)
    return request is not None and request.transmission is Transmission.REFERENCE


def holds_html(found: JobResults) -> bool:
    """Whether the single result is an HTML page itself."""
    return len(found.results) == 1 and found.results[0].format.media_type == HTML


def _shows_first_edition(execution: Execution) -> bool:
    """Whether the request has a member that only 1.0 has."""
    if execution.response is not None:
        return True
    return any(request.transmission is not None for request in (execution.outputs or {}).values())


def _is_single_json(found: JobResults) -> bool:
    """Whether the single result is JSON already."""
    if len(found.requested) != 1 or len(found.results) != 1:
        return False
    result = found.results[0]
    if result.path is None and not result.format.media_type:
        return True
    return is_json(result.format.media_type)
