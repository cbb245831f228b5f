"""Messages are the same after a journey as JSON, and what is none is refused."""

import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from weaver_like.domain.codec import Codec, MessageError, message
from weaver_like.domain.events import (
    EVENTS,
    EngineClosed,
    Event,
    EventsMissed,
    LogExtended,
    ProgressMade,
    SchedulesChanged,
    StatusChanged,
    StepsChanged,
    fills_outbox,
)
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus

T0 = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
STEP = Step(1, "sub/a", StepStatus.FAILED, T0, T0, "sh", -9, "was killed", 0.5, 2**40, ("1", ""))


@message()
class Inner:
    """A part of a message, always of the same class."""

    number: int


@message("left")
class Left:
    """One of two parts."""

    text: str


@message("right")
class Right:
    """The other one."""


@message("everything")
class Everything:
    """Each kind of field."""

    text: str
    flag: bool
    number: int
    measure: float
    moment: datetime
    status: Status
    value: object
    document: dict[str, Any]
    inner: Inner
    side: Left | Right
    maybe: str | None
    places: tuple[tuple[str | int, ...], ...]
    sides: dict[str, Left | Right]
    late: int = 7


@message("news")
class News:
    """What nobody has to hear."""

    number: int


FAMILY: Codec[Everything | News] = Codec(Everything | News, dispensable=[News])
FULL = Everything(
    text="a",
    flag=True,
    number=2**63 - 1,
    measure=1e-300,
    moment=T0,
    status=Status.FAILED,
    value=[None, {"kind": "left", "x": 2**70}],
    document={"kind": 5},
    inner=Inner(-(2**63)),
    side=Right(),
    maybe=None,
    places=((), ("a", 0)),
    sides={"a": Left("x"), "b": Right()},
    late=8,
)


def test_a_message_is_a_frozen_dataclass() -> None:
    assert replace(FULL, late=7) == replace(FULL, late=7) != FULL
    assert repr(Left("x")) == "Left(text='x')"
    assert hash(Left("x")) == hash(Left("x"))
    assert Left("x") != Left("y")
    with pytest.raises(FrozenInstanceError):
        FULL.late = 9  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del FULL.late
    with pytest.raises(AttributeError):
        FULL.other = 9  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Left()  # type: ignore[call-arg]


def travelled(document: object) -> Any:
    return json.loads(json.dumps(document))


def test_every_kind_of_field_is_the_same_after_a_journey() -> None:
    assert FAMILY.decode(travelled(FAMILY.encode(FULL))) == FULL


def test_members_that_are_not_known_are_passed_over_and_defaults_stand_for_those_that_are_missing() -> None:
    document = travelled(FAMILY.encode(FULL)) | {"new": 1}
    del document["late"]
    decoded = FAMILY.decode(document)
    assert isinstance(decoded, Everything)
    assert decoded.late == 7


def test_times_are_utc() -> None:
    document = travelled(FAMILY.encode(FULL)) | {"moment": T0.astimezone(timezone(timedelta(hours=5))).isoformat()}
    decoded = FAMILY.decode(document)
    assert isinstance(decoded, Everything)
    assert (decoded.moment, decoded.moment.tzinfo) == (T0, UTC)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("text", 5),
        ("text", None),
        ("flag", 1),
        ("number", True),
        ("number", 1.5),
        ("number", "1"),
        ("number", 2**63),
        ("number", 10**400),
        ("measure", "x"),
        ("measure", True),
        ("measure", float("inf")),
        ("measure", 10**400),
        ("moment", "soon"),
        ("moment", 5),
        ("moment", "9999-12-31T23:59:59-23:59"),
        ("status", "done"),
        ("status", None),
        ("status", []),
        ("document", []),
        ("document", None),
        ("inner", None),
        ("inner", {}),
        ("inner", {"number": "1"}),
        ("side", {"kind": "up"}),
        ("side", {"kind": []}),
        ("side", {"kind": "left"}),
        ("side", "left"),
        ("side", None),
        ("maybe", 5),
        ("places", {}),
        ("places", [[None]]),
        ("places", [0]),
        ("sides", []),
        ("sides", {"a": {}}),
    ],
    ids=str,
)
def test_a_wrong_member_is_named(member: str, value: object) -> None:
    with pytest.raises(MessageError, match=rf"^everything: {member}: "):
        FAMILY.decode(travelled(FAMILY.encode(FULL)) | {member: value})


@pytest.mark.parametrize("member", ["text", "value", "inner", "places"])
def test_a_missing_member_is_named(member: str) -> None:
    document = travelled(FAMILY.encode(FULL))
    del document[member]
    with pytest.raises(MessageError, match=f"^everything: {member} is missing"):
        FAMILY.decode(document)


@pytest.mark.parametrize("document", [None, [], "everything", 5, True])
def test_what_is_no_object_is_no_message(document: object) -> None:
    with pytest.raises(MessageError):
        FAMILY.decode(document)


@pytest.mark.parametrize(
    "document",
    [{}, {"kind": "other"}, {"kind": None}, {"kind": []}, {"kind": "news"}, {"kind": "news", "number": "1"}],
    ids=str,
)
def test_unknown_kinds_and_ill_formed_news_are_passed_over(document: object) -> None:
    assert FAMILY.decode(document) is None


def test_what_is_refused_is_quoted_shortly() -> None:
    with pytest.raises(MessageError) as caught:
        FAMILY.decode(travelled(FAMILY.encode(FULL)) | {"number": "9" * 10_000})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("event", "fills"),
    [
        (StatusChanged("j", Status.RUNNING), False),
        (StatusChanged("j", Status.FAILED, outbox=True), True),
        (ProgressMade("j", 5, "five"), False),
        (ProgressMade("j", 5, outbox=True), True),
        (LogExtended("j"), False),
        (StepsChanged("j", (STEP, Step(2, "b", StepStatus.ACCEPTED))), False),
        (SchedulesChanged(), False),
        (EventsMissed(), True),
        (EngineClosed(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_travel(event: Event, fills: bool) -> None:
    assert EVENTS.decode(travelled(EVENTS.encode(event))) == event
    assert fills_outbox(event) is fills
