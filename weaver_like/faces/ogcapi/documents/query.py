"""Query strings, read by colander: every parameter is known, typed, and given once, unless it is a list."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import colander

from weaver_like.domain.errors import Fault, InvalidQueryParameter
from weaver_like.domain.status import Status
from weaver_like.settings import ServerSettings

MAX_LIMIT = 10000
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_PARAMETERS = 100
_OPEN_END = ("", "..")
_DEFAULTS = ServerSettings()


class ParameterType(colander.SchemaType):  # type: ignore[misc]  # colander has no types
    """How the text of a parameter is read."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        if cstruct is colander.null:
            return colander.null
        return self.parse(node, str(cstruct))

    def parse(self, node: colander.SchemaNode, text: str) -> object:
        """The value that a text stands for. Raises: colander.Invalid."""
        raise NotImplementedError


class ListType(ParameterType):
    """Several values, in one parameter (`a,b`), in several of the same name, or both; clients are made for either."""


class TextList(ListType):
    """`a,b` -> ("a", "b"). If the node has `values`, only these words are allowed."""

    def parse(self, node: colander.SchemaNode, text: str) -> tuple[str, ...]:
        items = tuple(part for part in text.split(",") if part)
        if not items:
            raise colander.Invalid(node, "expected names separated by commas")
        values = getattr(node, "values", None)
        unknown = [item for item in items if values is not None and item not in values]
        if unknown:
            raise colander.Invalid(node, f"expected one of {', '.join(node.values)}, got '{', '.join(unknown[:5])}'")
        return items


class Whole(ParameterType):
    """A whole number, plain digits only: `1_0`, ` 5` and other digits that Python would read are refused."""

    def parse(self, node: colander.SchemaNode, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,100}", text, re.ASCII):
            raise colander.Invalid(node, f"expected a whole number, got '{text}'")
        return int(text)


class SecondsList(ListType):
    """`5,10` -> (5, 10): whole seconds, zero or more."""

    def parse(self, node: colander.SchemaNode, text: str) -> tuple[int, ...]:
        parts = [part for part in text.split(",") if part]
        if not parts or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
            raise colander.Invalid(node, f"expected whole seconds separated by commas, got '{text}'")
        return tuple(int(part) for part in parts)


class Flag(ParameterType):
    """`true` or `false`."""

    def parse(self, node: colander.SchemaNode, text: str) -> bool:
        if text not in ("true", "false"):
            raise colander.Invalid(node, f"expected true or false, got '{text}'")
        return text == "true"


class Interval(ParameterType):
    """A date-time, a date, or `from/to` where `..` or nothing leaves an end open -> first and last instant, or None."""

    def parse(self, node: colander.SchemaNode, text: str) -> tuple[datetime | None, datetime | None]:
        try:
            start, end = _parse_interval(text.strip())
        except (ValueError, OverflowError):
            expected = "an RFC 3339 date-time, or an interval 'from/to', '../to' or 'from/..'"
            raise colander.Invalid(node, f"expected {expected}, got '{text}'") from None
        if start and end and start > end:
            raise colander.Invalid(node, f"the interval '{text}' ends before it begins")
        return start, end


def _parse_interval(text: str) -> tuple[datetime | None, datetime | None]:
    parts = text.split("/")
    if len(parts) == 1:
        return _parse_moment(text)
    if len(parts) != 2 or all(part in _OPEN_END for part in parts):
        raise ValueError(text)
    start = end = None
    if parts[0] not in _OPEN_END:
        start = _parse_moment(parts[0])[0]
    if parts[1] not in _OPEN_END:
        end = _parse_moment(parts[1])[1]
    return start, end


def _parse_moment(text: str) -> tuple[datetime, datetime]:
    """First and last instant of a day or of a moment. Raises: ValueError, OverflowError."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day, day + timedelta(days=1, microseconds=-1)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+ -]\d{2}:\d{2})", text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper().replace(" ", "+")).astimezone(UTC)
    if moment.microsecond % 1000:
        return moment, moment
    # Documents show milliseconds: a time that was read there must find its job.
    return moment, moment + timedelta(microseconds=999)


def _limit(page_size: Callable[[ServerSettings], int]) -> colander.SchemaNode:
    """Values above `MAX_LIMIT` count as `MAX_LIMIT`. page_size: the default, which may be a setting.

    Source: /req/core/pl-limit-definition, -response.
    """
    return colander.SchemaNode(
        Whole(),
        validator=colander.Range(min=1),
        missing=None,
        page_size=page_size,
        description="Largest number of items on a page.",
        maximum=MAX_LIMIT,
    )


def _cursor() -> colander.SchemaNode:
    """Microseconds since 1970 and an id: `Job.key`, `Schedule.key`."""
    return colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"[0-9]{1,18}\.[0-9a-f-]{1,36}\Z", msg="expected a cursor from a `next` link"),
        missing=None,
        description="Where the page begins; from a `next` link.",
    )


def _after(records: str) -> colander.SchemaNode:
    return colander.SchemaNode(
        Whole(),
        validator=colander.Range(min=0, max=2**31 - 1),
        missing=0,
        description=f"Only {records} with a greater number; from a `next` link.",
    )


class QuerySchema(colander.MappingSchema):  # type: ignore[misc]  # colander has no types
    """What every resource takes. Source: 2.0 draft, /req/query-param-profile/definition."""

    f = colander.SchemaNode(
        colander.String(),
        validator=colander.OneOf(["json", "html"]),
        missing=None,
        description="Form of the answer; the header Accept says the same.",
    )
    profile = colander.SchemaNode(
        TextList(), missing=(), description="Profiles of the answer, by URI or name; unknown ones are ignored."
    )


class ProcessListQuery(QuerySchema):
    """Source: /req/core/pl-limit-definition."""

    limit = _limit(lambda server: server.processes_page_size)
    cursor = colander.SchemaNode(
        colander.String(),
        validator=colander.Length(max=200),
        missing=None,
        description="Where the page begins; from a `next` link.",
    )


class JobListQuery(QuerySchema):
    """Source: requirements class "job-list", whose lists of words have the default of OpenAPI (explode true)."""

    limit = _limit(lambda server: server.page_size)
    cursor = _cursor()
    processID = colander.SchemaNode(TextList(), missing=(), explode=True, description="Only jobs of these processes.")
    status = colander.SchemaNode(
        TextList(),
        missing=(),
        explode=True,
        description="Only jobs with one of these statuses.",
        values=[str(status) for status in Status],
    )
    type = colander.SchemaNode(
        TextList(), missing=(), explode=True, description="Only jobs of these types.", values=["process"]
    )
    datetime = colander.SchemaNode(
        Interval(), missing=(None, None), description="Only jobs created at this time or in this interval."
    )
    minDuration = colander.SchemaNode(
        SecondsList(), missing=(), description="Only jobs that took at least so many seconds."
    )
    maxDuration = colander.SchemaNode(
        SecondsList(), missing=(), description="Only jobs that took at most so many seconds."
    )


class ScheduleListQuery(QuerySchema):
    """An extension, like the job list."""

    limit = _limit(lambda server: server.page_size)
    cursor = _cursor()
    processID = colander.SchemaNode(
        TextList(), missing=(), explode=True, description="Only schedules of these processes."
    )


class ResultsQuery(QuerySchema):
    """Source: 2.0 draft, /req/core/job-results-param-outputs."""

    outputs = colander.SchemaNode(TextList(), missing=None, description="Only these outputs.")


class LogQuery(QuerySchema):
    limit = _limit(lambda _server: 1000)
    after = _after("lines")


class StepsQuery(QuerySchema):
    limit = _limit(lambda _server: 100)
    after = _after("steps")


def _dry_run() -> colander.SchemaNode:
    return colander.SchemaNode(Flag(), missing=False, description="true: only say what would happen.")


class DeploymentQuery(QuerySchema):
    """`w`: /req/cwl/deploy-w-param; the others are extensions."""

    w = colander.SchemaNode(
        TextList(),
        missing=(),
        description="Processes of a `$graph` to deploy; * for all; by default its `main` or first workflow.",
    )
    id = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z"),
        missing=None,
        description="Id of the process, instead of the one in the package.",
    )
    version = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"[A-Za-z0-9._-]{1,64}\Z"),
        missing=None,
        description="Version of the process, instead of the one in the package.",
    )
    start = colander.SchemaNode(
        colander.String(),
        validator=colander.Length(max=200),
        missing=None,
        description="The document to start from, in a package of several files.",
    )
    dryRun = _dry_run()


class PatchQuery(QuerySchema):
    """An extension."""

    dryRun = _dry_run()


def parse_query(text: str, schema: QuerySchema, server: ServerSettings = _DEFAULTS) -> dict[str, Any]:
    """Read a query string. server: says how large pages are by default.

    Raises: InvalidQueryParameter, with every parameter that is unknown, repeated, badly escaped or ill-typed.
    """
    given, faults = _read_pairs(text, schema)
    values: dict[str, Any] = {}
    try:
        values = schema.deserialize(given)
    except colander.Invalid as error:
        known = {fault.pointer for fault in faults}
        found = [Fault(name, message[:300]) for name, message in error.asdict().items()]
        faults += [fault for fault in found if fault.pointer not in known]
    if faults:
        shown = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5])
        raise InvalidQueryParameter(f"{shown}.", faults=faults)
    if "limit" in values:
        values["limit"] = min(values["limit"] or schema["limit"].page_size(server), MAX_LIMIT)
    return values


def _read_pairs(text: str, schema: QuerySchema) -> tuple[dict[str, str], list[Fault]]:
    """The parameters that the schema knows, with their texts; and what is wrong with any parameter."""
    given: dict[str, str] = {}
    faults = []
    for name, value in _split(text):
        node = schema.get(name)
        if node is None:
            known = ", ".join(child.name for child in schema.children)
            faults.append(Fault(name[:100], f"unknown query parameter; this resource takes: {known}"))
            continue
        repeatable = isinstance(node.typ, ListType)
        if not value:
            faults.append(Fault(name, "this parameter has no value"))
        elif name in given and not repeatable:
            faults.append(Fault(name, "this parameter is given more than once"))
        if repeatable:
            given[name] = ",".join(filter(None, (given.get(name), value)))
        else:
            given[name] = value or given.get(name, "")
    return given, faults


def _split(text: str) -> list[tuple[str, str]]:
    """Names and values, in order. Raises: InvalidQueryParameter."""
    if not text:
        return []
    if _BAD_ESCAPE.search(text):
        raise InvalidQueryParameter("The query string has a '%' without two hexadecimal digits.")
    parts = [part.partition("=") for part in text.split("&") if part]
    if len(parts) > _MAX_PARAMETERS:
        raise InvalidQueryParameter(
            f"The query string has {len(parts)} parameters; at most {_MAX_PARAMETERS} are allowed."
        )
    try:
        return [(unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")) for name, _, value in parts]
    except UnicodeDecodeError as error:
        raise InvalidQueryParameter("The query string is not UTF-8.") from error


PLAIN = QuerySchema()
PROCESS_LIST = ProcessListQuery()
JOB_LIST = JobListQuery()
SCHEDULE_LIST = ScheduleListQuery()
RESULTS = ResultsQuery()
LOG = LogQuery()
STEPS = StepsQuery()
DEPLOYMENT = DeploymentQuery()
PATCH = PatchQuery()
