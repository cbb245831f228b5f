"""Query strings: what is taken, what is refused, and that every fault is told."""

from datetime import UTC, datetime, timedelta

import colander
import pytest

from weaver_like.domain.errors import InvalidQueryParameter
from weaver_like.faces.ogcapi.documents.query import JOB_LIST, LOG, MAX_LIMIT, PLAIN, PROCESS_LIST, RESULTS, parse_query

DAY = datetime(2024, 2, 29, tzinfo=UTC)
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
#: Documents show milliseconds: a time that was read there stands for all of its millisecond.
NOON_END = datetime(2024, 2, 29, 12, 0, 0, 999, tzinfo=UTC)
#: Documents show milliseconds, so that is how exact a time is.
NOON_SHOWN = NOON + timedelta(microseconds=999)
LAST = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", 1),
        ("10", 10),
        ("007", 7),
        (str(MAX_LIMIT), MAX_LIMIT),
        (str(MAX_LIMIT + 1), MAX_LIMIT),
        ("999999999", MAX_LIMIT),
    ],
)
def test_limits_that_are_taken(text: str, wanted: int) -> None:
    """/req/core/pl-limit-response: a limit above the server's maximum counts as the maximum."""
    for schema in (JOB_LIST, PROCESS_LIST, LOG):
        assert parse_query(f"limit={text}", schema)["limit"] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "abc",
        "1e3",
        "1.5",
        "1.0",
        "0x10",
        "1_0",
        "%2B5",
        "+5",
        "%205",
        "5%20",
        "%D9%A3",
        "null",
        "true",
        "1,2",
        "inf",
        "NaN",
        "--1",
        "9" * 5000,
        "5%00",
    ],
)
def test_limits_that_are_refused(text: str) -> None:
    """/req/core/pl-limit-definition: an integer, 1 at least."""
    for schema in (JOB_LIST, PROCESS_LIST, LOG):
        with pytest.raises(InvalidQueryParameter) as caught:
            parse_query(f"limit={text}", schema)
        assert [fault.pointer for fault in caught.value.faults] == ["limit"]
        assert len(caught.value.detail) < 1000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-02-29", (DAY, LAST)),
        ("2024-02-29T12:00:00Z", (NOON, NOON_SHOWN)),
        ("2024-02-29t12:00:00z", (NOON, NOON_SHOWN)),
        ("2024-02-29T13:00:00%2B01:00", (NOON, NOON_SHOWN)),
        ("2024-02-29T13:00:00+01:00", (NOON, NOON_SHOWN)),
        ("2024-02-29T12:00:00.000Z", (NOON, NOON_SHOWN)),
        ("2024-02-29T12:00:00.000000000Z", (NOON, NOON_SHOWN)),
        ("2024-02-29/..", (DAY, None)),
        ("../2024-02-29", (None, LAST)),
        ("2024-02-29/", (DAY, None)),
        ("/2024-02-29", (None, LAST)),
        ("2024-02-29T12:00:00Z/2024-02-29T12:00:00Z", (NOON, NOON_SHOWN)),
        ("2024-02-29/2024-02-29", (DAY, LAST)),
        (
            "0001-01-01/9999-12-31",
            (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ),
    ],
)
def test_times_that_are_taken(text: str, wanted: tuple) -> None:
    """/req/job-list/datetime-definition; RFC 3339 section 5.6"""
    assert parse_query(f"datetime={text}", JOB_LIST)["datetime"] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../..",
        "/",
        "../",
        "/..",
        "yesterday",
        "2024",
        "2024-02",
        "2023-02-29",
        "2024-13-01",
        "2024-02-30",
        "20240229",
        "2024-2-9",
        "2024-02-29T12:00:00",
        "2024-02-29T12:00Z",
        "2024-02-29T25:00:00Z",
        "2024-02-29T12:61:00Z",
        "2024-02-29T12:00:00+1:00",
        "2024-02-29T12:00:00+24:00",
        "2024-02-29T12:00:00%2B99:99",
        "2024-02-29 12:00:00Z",
        "2024-02-29/2024-02-28",
        "a/b",
        "2024-02-29/2024-03-01/2024-03-02",
        "2024-02-29//",
        "2024-02-29,2024-03-01",
        "0000-01-01",
        "10000-01-01",
        "-001-01-01",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "2024-W09-4",
        "%D9%A2%D9%A0%D9%A2%D9%A4-02-29",
        "2024-02-29%00",
        "1709164800",
        "P1D",
        "2024-02-29/P1D",
        "now",
        "null",
        "2024-02-29T12:00:00ZZ",
        "9" * 5000,
    ],
)
def test_times_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidQueryParameter) as caught:
        parse_query(f"datetime={text}", JOB_LIST)
    assert [fault.pointer for fault in caught.value.faults] == ["datetime"]
    assert len(caught.value.detail) < 1000


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("status=running", "status", ("running",)),
        ("status=running,failed", "status", ("running", "failed")),
        ("type=process", "type", ("process",)),
        ("processID=a,b%2Cc", "processID", ("a", "b", "c")),
        ("minDuration=5", "minDuration", (5,)),
        ("minDuration=5,10", "minDuration", (5, 10)),
        ("maxDuration=0", "maxDuration", (0,)),
        ("f=json", "f", "json"),
        ("f=html", "f", "html"),
        ("cursor=1.0a-f", "cursor", "1.0a-f"),
        ("status=running&status=failed", "status", ("running", "failed")),
        ("processID=a&processID=b,c&processID=d", "processID", ("a", "b", "c", "d")),
        ("minDuration=5&minDuration=10", "minDuration", (5, 10)),
        ("profile=a&profile=b", "profile", ("a", "b")),
    ],
)
def test_lists_and_words_that_are_taken(text: str, name: str, wanted: object) -> None:
    assert parse_query(text, JOB_LIST)[name] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "status=done",
        "status=",
        "status=running,done",
        "status=RUNNING",
        "status=,",
        "type=wps",
        "type=",
        "processID=",
        "processID=,",
        "minDuration=-1",
        "minDuration=x",
        "minDuration=1.5",
        "minDuration=",
        "minDuration=1,,x",
        "maxDuration=1e3",
        "maxDuration=9999999999",
        "minDuration=%D9%A3",
        "f=xml",
        "f=JSON",
        "f=",
        "f=json,html",
        "cursor=",
        "cursor=x",
        "cursor=1",
        "cursor=.",
        "cursor=1.",
        "cursor=-1.a",
        "cursor=9999999999999999999.a",
        "cursor=1.G",
        "cursor=%00",
        "cursor=1.a%0A",
        "cursor=1.a'--",
    ],
)
def test_lists_and_words_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidQueryParameter) as caught:
        parse_query(text, JOB_LIST)
    assert [fault.pointer for fault in caught.value.faults] == [text.partition("=")[0]]


@pytest.mark.parametrize(
    "text", ["unknown=1", "Limit=1", "limits=1", "=1", "unknown", "%00=1", "%6Cimits=1", "f[]=json"]
)
@pytest.mark.parametrize("schema", [PLAIN, PROCESS_LIST, JOB_LIST, RESULTS, LOG])
def test_unknown_parameters_are_refused(text: str, schema: colander.MappingSchema) -> None:
    """/req/core/query-param-unknown (Common Part 1)"""
    with pytest.raises(InvalidQueryParameter):
        parse_query(text, schema)


@pytest.mark.parametrize("text", ["limit=1&limit=2", "limit=1&limit=1", "limit=1&%6Cimit=1", "f=json&f=json"])
def test_repeated_parameters_are_refused(text: str) -> None:
    with pytest.raises(InvalidQueryParameter, match="more than once"):
        parse_query(text, JOB_LIST)


@pytest.mark.parametrize(
    "text",
    [
        "limit=%",
        "limit=%4",
        "limit=%zz",
        "%=1",
        "processID=%ff",
        "processID=%ed%a0%80",
        "processID=%c0%ae",
        "%ff=1",
        "limit=1&%u0031=1",
    ],
)
def test_bad_escapes_are_refused(text: str) -> None:
    with pytest.raises(InvalidQueryParameter):
        parse_query(text, JOB_LIST)


@pytest.mark.parametrize("text", ["", "&", "&&limit=10&", "%6Cimit=10", "limit=%31%30"])
def test_harmless_spellings_are_taken(text: str) -> None:
    assert parse_query(text, JOB_LIST)["limit"] == 10


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidQueryParameter) as caught:
        parse_query("limit=0&status=done&datetime=x&nonsense=1&f=xml&type=x", JOB_LIST)
    assert {fault.pointer for fault in caught.value.faults} == {"limit", "status", "datetime", "nonsense", "f", "type"}


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(InvalidQueryParameter, match="1000 parameters"):
        parse_query("&".join(f"a{number}=1" for number in range(1000)), JOB_LIST)


@pytest.mark.parametrize(("text", "wanted"), [("after=0", 0), ("after=2147483647", 2**31 - 1)])
def test_places_in_a_log_that_are_taken(text: str, wanted: int) -> None:
    assert parse_query(text, LOG)["after"] == wanted


@pytest.mark.parametrize("text", ["after=-1", "after=2147483648", "after=x", "after=", "after=1_0"])
def test_places_in_a_log_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidQueryParameter):
        parse_query(text, LOG)
