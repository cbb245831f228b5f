"""Query strings, read by colander: every parameter is known, typed, and given once."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import colander

from weaver_like.domain.errors import Fault, InvalidQueryParameter
from weaver_like.domain.status import Status

MAX_LIMIT = 10000
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_PARAMETERS = 100
#: How an interval leaves an end open.
_OPEN = ("", "..")


class TextList(colander.SchemaType):  # type: ignore[misc]  # colander has no types
    """`a,b` (style form, explode false) -> ("a", "b"). The node's `values`, if it has any, are the words allowed."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        if cstruct is colander.null:
            return colander.null
        items = tuple(part for part in str(cstruct).split(",") if part)
        if not items:
            raise colander.Invalid(node, "expected a list of names separated by commas")
        unknown = [item for item in items if item not in getattr(node, "values", items)]
        if unknown:
            raise colander.Invalid(node, f"expected one of {', '.join(node.values)}, got '{', '.join(unknown)}'")
        return items


class Whole(colander.SchemaType):  # type: ignore[misc]  # colander has no types
    """A whole number, plain digits only: `1_0`, ` 5` and other digits that Python would read are refused."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        if cstruct is colander.null:
            return colander.null
        text = str(cstruct)
        if not re.fullmatch(r"-?[0-9]{1,100}", text, re.ASCII):
            raise colander.Invalid(node, f"expected a whole number, got '{text}'")
        return int(text)


class SecondsList(TextList):
    """`5,10` -> (5, 10): whole seconds, zero or more."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        items = super().deserialize(node, cstruct)
        if not isinstance(items, tuple):
            return items
        if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in items):
            raise colander.Invalid(node, f"expected whole seconds, got '{cstruct}'")
        return tuple(int(part) for part in items)


class Interval(colander.SchemaType):  # type: ignore[misc]  # colander has no types
    """A date-time, a date, or `from/to`, where `..` or nothing leaves an end open -> first and last instant or None."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        if cstruct is colander.null:
            return colander.null
        try:
            start, end = _parse_interval(str(cstruct).strip())
        except (ValueError, OverflowError):
            wanted = "an RFC 3339 date-time, or an interval 'from/to', '../to' or 'from/..'"
            raise colander.Invalid(node, f"expected {wanted}, got '{cstruct}'") from None
        if start and end and start > end:
            raise colander.Invalid(node, f"the interval '{cstruct}' ends before it begins")
        return start, end


def _parse_interval(text: str) -> tuple[datetime | None, datetime | None]:
    """First and last instant; None for an open end. Raises: ValueError, OverflowError."""
    parts = text.split("/")
    if len(parts) == 1:
        return _day_or_moment(text)
    if len(parts) != 2 or all(part in _OPEN for part in parts):
        raise ValueError(text)
    start = None if parts[0] in _OPEN else _day_or_moment(parts[0])[0]
    end = None if parts[1] in _OPEN else _day_or_moment(parts[1])[1]
    return start, end


def _day_or_moment(text: str) -> tuple[datetime, datetime]:
    """First and last instant of a day or of a moment."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day, day + timedelta(days=1, microseconds=-1)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+ -]\d{2}:\d{2})", text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper().replace(" ", "+")).astimezone(UTC)
    # Documents show milliseconds: a time that was read there must find its job.
    return moment, moment + timedelta(microseconds=0 if moment.microsecond % 1000 else 999)


def _limit(default: int) -> colander.SchemaNode:
    """More than `MAX_LIMIT` counts as `MAX_LIMIT`. Source: /req/core/pl-limit-definition, -response."""
    return colander.SchemaNode(
        Whole(),
        validator=colander.Range(min=1),
        missing=default,
        description="Largest number of items on a page.",
        maximum=MAX_LIMIT,
    )


def _cursor() -> colander.SchemaNode:
    """Microseconds since 1970 and an id: `Job.key`, `Schedule.key`."""
    form = colander.Regex(r"[0-9]{1,18}\.[0-9a-f-]{1,36}\Z", msg="expected a cursor from a `next` link")
    return colander.SchemaNode(
        colander.String(), validator=form, missing=None, description="Where the page begins; from a `next` link."
    )


class Query(colander.MappingSchema):  # type: ignore[misc]  # colander has no types
    """Parameters of every resource. Source: 2.0 draft, /req/query-param-profile/definition."""

    f = colander.SchemaNode(
        colander.String(),
        validator=colander.OneOf(["json", "html"]),
        missing=None,
        description="Form of the answer; the header Accept says the same.",
    )
    profile = colander.SchemaNode(
        TextList(), missing=(), description="Profiles of the answer, by URI or name; unknown ones are ignored."
    )


class ProcessListQuery(Query):
    """Source: /req/core/pl-limit-definition."""

    limit = _limit(10)
    cursor = colander.SchemaNode(
        colander.String(),
        validator=colander.Length(max=200),
        missing=None,
        description="Where the page begins; from a `next` link.",
    )


class JobListQuery(Query):
    """Source: requirements class "job-list"."""

    limit = _limit(10)
    cursor = _cursor()
    processID = colander.SchemaNode(TextList(), missing=(), description="Only jobs of these processes.")
    status = colander.SchemaNode(
        TextList(),
        missing=(),
        description="Only jobs with one of these statuses.",
        values=[str(status) for status in Status],
    )
    type = colander.SchemaNode(TextList(), missing=(), description="Only jobs of these types.", values=["process"])
    datetime = colander.SchemaNode(
        Interval(), missing=(None, None), description="Only jobs created at this time or in this interval."
    )
    minDuration = colander.SchemaNode(
        SecondsList(), missing=(), description="Only jobs that took at least so many seconds."
    )
    maxDuration = colander.SchemaNode(
        SecondsList(), missing=(), description="Only jobs that took at most so many seconds."
    )


class ScheduleListQuery(Query):
    """An extension, in the manner of the job list."""

    limit = _limit(10)
    cursor = _cursor()
    processID = colander.SchemaNode(TextList(), missing=(), description="Only schedules of these processes.")


class ResultsQuery(Query):
    """Source: 2.0 draft, /req/core/job-results-param-outputs."""

    outputs = colander.SchemaNode(TextList(), missing=None, description="Only these outputs.")


class LogQuery(Query):
    limit = _limit(1000)
    after = colander.SchemaNode(
        Whole(),
        validator=colander.Range(min=0, max=2**31 - 1),
        missing=0,
        description="Only lines with a greater number; from a `next` link.",
    )


class StepsQuery(Query):
    limit = _limit(100)
    after = colander.SchemaNode(
        Whole(),
        validator=colander.Range(min=0, max=2**31 - 1),
        missing=0,
        description="Only steps with a greater number; from a `next` link.",
    )


class Flag(colander.SchemaType):  # type: ignore[misc]  # colander has no types
    """`true` or `false`."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        if cstruct is colander.null:
            return colander.null
        if cstruct not in ("true", "false"):
            raise colander.Invalid(node, f"expected true or false, got '{cstruct}'")
        return cstruct == "true"


def _dry_run() -> colander.SchemaNode:
    return colander.SchemaNode(Flag(), missing=False, description="true: tell what would happen, but do nothing.")


class DeploymentQuery(Query):
    """`w`: /req/cwl/deploy-w-param; the others are extensions."""

    w = colander.SchemaNode(
        TextList(),
        missing=(),
        description="Processes of a `$graph` that are deployed; * for all, else its `main` or first workflow.",
    )
    id = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z"),
        missing=None,
        description="Id of the process, in place of the one in the package.",
    )
    version = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"[A-Za-z0-9._-]{1,64}\Z"),
        missing=None,
        description="Version of the process, in place of the one in the package.",
    )
    start = colander.SchemaNode(
        colander.String(),
        validator=colander.Length(max=200),
        missing=None,
        description="Of a package of several files: the document to start from.",
    )
    dryRun = _dry_run()


class PatchQuery(Query):
    """An extension."""

    dryRun = _dry_run()


def parse_query(text: str, schema: colander.MappingSchema) -> Mapping[str, object]:
    """Read a query string.

    Raises: InvalidQueryParameter, for an unknown, repeated, badly escaped or ill-typed parameter, all of them at once.
    """
    faults: list[Fault] = []
    given: dict[str, str] = {}
    for name, value in _pairs(text):
        if schema.get(name) is None:
            known = ", ".join(child.name for child in schema.children)
            faults.append(Fault(name[:100], f"unknown query parameter; known parameters: {known}"))
        elif name in given:
            faults.append(Fault(name, "this parameter is given more than once"))
        elif not value:
            faults.append(Fault(name, "this parameter has no value"))
        given[name] = value or given.get(name, "")
    values: dict[str, Any] = {}
    try:
        values = schema.deserialize({name: value for name, value in given.items() if schema.get(name) is not None})
    except colander.Invalid as error:
        told = {fault.pointer for fault in faults}
        faults += [Fault(name, text[:300]) for name, text in error.asdict().items() if name not in told]
    if faults:
        shown = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5])
        raise InvalidQueryParameter(f"{shown}.", faults=faults)
    if "limit" in values:
        values["limit"] = min(values["limit"], MAX_LIMIT)
    return values


def _pairs(text: str) -> list[tuple[str, str]]:
    if not text:
        return []
    if _BAD_ESCAPE.search(text):
        raise InvalidQueryParameter("The query string has a '%' that is not followed by two hexadecimal digits.")
    parts = [part for part in text.split("&") if part]
    if len(parts) > _MAX_PARAMETERS:
        raise InvalidQueryParameter(
            f"The query string has {len(parts)} parameters; at most {_MAX_PARAMETERS} are allowed."
        )
    try:
        return [_decoded(part) for part in parts]
    except UnicodeDecodeError as error:
        raise InvalidQueryParameter("The query string is not UTF-8.") from error


def _decoded(part: str) -> tuple[str, str]:
    """Raises: UnicodeDecodeError."""
    name, _, value = part.partition("=")
    return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")


PLAIN, PROCESS_LIST, JOB_LIST, RESULTS, LOG = Query(), ProcessListQuery(), JobListQuery(), ResultsQuery(), LogQuery()
STEPS = StepsQuery()
SCHEDULE_LIST = ScheduleListQuery()
DEPLOYMENT, PATCH = DeploymentQuery(), PatchQuery()
