"""The form of an answer with results: the table of docs/conformance.rst, row by row."""

from datetime import UTC, datetime

import pytest

from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Transmission
from weaver_like.domain.formats import GEOJSON, HTML, JSON, TEXT, Format
from weaver_like.domain.job import Job
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.faces.ogcapi.forms import Form, Wishes, choose_form, holds_html
from weaver_like.jobs.results import JobResults

NOW = datetime(2024, 5, 6, tzinfo=UTC)
JOB = Job("00000000-0000-4000-8000-000000000000", "process", Status.SUCCESSFUL, created=NOW, updated=NOW)
VALUE, REFERENCE = OutputRequest(Transmission.VALUE), OutputRequest(Transmission.REFERENCE)
ANYHOW = OutputRequest()

TEXT_A = Result("a", "text", format=Format(TEXT))
TEXT_B = Result("b", "text", format=Format(TEXT))
NUMBER_A = Result("a", 1.5)
GEOJSON_A = Result("a", path="/job/a/features", format=Format(GEOJSON))
HTML_A = Result("a", path="/job/a/page", format=Format(HTML))
FIRST_FILE_A = Result("a", path="/job/a/0", format=Format(TEXT), index=0)
SECOND_FILE_A = Result("a", path="/job/a/1", format=Format(TEXT), index=1)

EXECUTE = {"fresh": True}
GET = {"fresh": False}
#: Of an Accept header that names JSON, and likes it better than whatever the result is otherwise.
JSON_FIRST = {"json_before": True}


def found(*results: Result, **asked: object) -> JobResults:
    """Results of a job. asked: members of its execute request."""
    execution = Execution(**asked)
    requested = execution.outputs or dict.fromkeys(result.output for result in results)
    return JobResults(JOB, execution, tuple(requested), results)


def wishes(
    document: bool = False, fresh: bool = True, preference: str | None = None, json_before: bool = False
) -> Wishes:
    return Wishes(document, fresh, preference, lambda other: json_before and other != JSON, lambda: TEXT)


def case(row: str, results: JobResults, form: Form, **asked: object) -> object:
    return pytest.param(results, asked, form, id=row)


@pytest.mark.parametrize(
    ("results", "asked", "form"),
    [
        case("3: response document", found(TEXT_A, response=ResponseForm.DOCUMENT), Form.DOCUMENT, **EXECUTE),
        case("3: response document, later", found(TEXT_A, response=ResponseForm.DOCUMENT), Form.DOCUMENT, **GET),
        case(
            "3: response document, by reference",
            found(TEXT_A, response=ResponseForm.DOCUMENT, outputs={"a": REFERENCE}),
            Form.DOCUMENT,
            **EXECUTE,
        ),
        case("3: profile or f=json", found(TEXT_A), Form.DOCUMENT, document=True, **GET),
        case("3: f=json before response raw", found(TEXT_A, response=ResponseForm.RAW), Form.DOCUMENT, document=True),
        case("4: return=minimal, several", found(TEXT_A, TEXT_B), Form.DOCUMENT, preference="minimal", **EXECUTE),
        case("4: return=representation", found(TEXT_A, TEXT_B), Form.DOCUMENT, preference="representation", **GET),
        case("4: return, one output", found(TEXT_A), Form.RAW, preference="minimal", **EXECUTE),
        case(
            "4: return, response raw",
            found(TEXT_A, TEXT_B, response=ResponseForm.RAW),
            Form.MULTIPART,
            preference="minimal",
            **EXECUTE,
        ),
        case("5: JSON first, several", found(TEXT_A, TEXT_B), Form.DOCUMENT, **EXECUTE, **JSON_FIRST),
        case(
            "5: JSON first, several, without transmissionMode",
            found(TEXT_A, TEXT_B, outputs={"a": ANYHOW, "b": ANYHOW}),
            Form.DOCUMENT,
            **EXECUTE,
            **JSON_FIRST,
        ),
        case(
            "5: JSON first, response raw",
            found(TEXT_A, TEXT_B, response=ResponseForm.RAW),
            Form.MULTIPART,
            **EXECUTE,
            **JSON_FIRST,
        ),
        case(
            "5: JSON first, one transmissionMode",
            found(TEXT_A, TEXT_B, outputs={"a": VALUE, "b": ANYHOW}),
            Form.MULTIPART,
            **EXECUTE,
            **JSON_FIRST,
        ),
        case("5: JSON first, one output", found(TEXT_A), Form.RAW, **EXECUTE, **JSON_FIRST),
        case(
            "5: GET, JSON first, response raw",
            found(TEXT_A, TEXT_B, response=ResponseForm.RAW),
            Form.DOCUMENT,
            **GET,
            **JSON_FIRST,
        ),
        case("5: GET, JSON first, a text", found(TEXT_A), Form.DOCUMENT, **GET, **JSON_FIRST),
        case("5: GET, JSON first, a number", found(NUMBER_A), Form.RAW, **GET, **JSON_FIRST),
        case("5: GET, JSON first, GeoJSON", found(GEOJSON_A), Form.RAW, **GET, **JSON_FIRST),
        case("6: by reference", found(TEXT_A, outputs={"a": REFERENCE}), Form.LINKS, **EXECUTE),
        case(
            "6: several by reference",
            found(TEXT_A, TEXT_B, outputs={"a": REFERENCE, "b": REFERENCE}),
            Form.LINKS,
            **GET,
        ),
        case("7: one value", found(TEXT_A), Form.RAW, **EXECUTE),
        case("7: one file", found(GEOJSON_A, response=ResponseForm.RAW), Form.RAW, **GET),
        case("8: several", found(TEXT_A, TEXT_B), Form.MULTIPART, **EXECUTE),
        case("8: several, later", found(TEXT_A, TEXT_B), Form.MULTIPART, **GET),
        case("8: one of them given", found(TEXT_A, outputs={"a": ANYHOW, "b": ANYHOW}), Form.MULTIPART, **EXECUTE),
        case("8: one by reference", found(TEXT_A, TEXT_B, outputs={"a": REFERENCE, "b": VALUE}), Form.MULTIPART),
        case("8: one output of several files", found(FIRST_FILE_A, SECOND_FILE_A), Form.MULTIPART, **EXECUTE),
        case("no results", found(), Form.DOCUMENT, **EXECUTE),
        case("no results, by reference", found(outputs={"a": REFERENCE}), Form.DOCUMENT, **GET),
        case("no results, response raw", found(response=ResponseForm.RAW), Form.DOCUMENT, **GET),
    ],
)
def test_the_first_row_that_fits_decides(results: JobResults, asked: dict[str, object], form: Form) -> None:
    """/req/core/process-execute-sync-*, /req/core/job-results-*; two editions, one request"""
    assert choose_form(results, wishes(**asked)) is form


def test_the_media_type_of_a_single_result_is_compared_with_json_only_where_it_matters() -> None:
    """Row 5; to find it, a value may have to be rendered."""
    compared: list[str] = []

    def json_before(other: str) -> bool:
        compared.append(other)
        return False

    for fresh, results in ((True, found(TEXT_A)), (False, found(NUMBER_A)), (False, found(TEXT_A))):
        assert choose_form(results, Wishes(False, fresh, None, json_before, lambda: "image/png")) is Form.RAW
    assert compared == ["image/png"]


@pytest.mark.parametrize(
    ("results", "is_page"),
    [
        pytest.param(found(HTML_A), True, id="a page"),
        pytest.param(found(TEXT_A), False, id="a text"),
        pytest.param(found(HTML_A, TEXT_B), False, id="a page and a text"),
        pytest.param(found(), False, id="nothing"),
    ],
)
def test_a_single_result_that_is_html_is_its_own_page(results: JobResults, is_page: bool) -> None:
    """Row 2"""
    assert holds_html(results) is is_page
