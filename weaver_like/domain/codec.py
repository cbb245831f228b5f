"""Messages as JSON documents: one `Codec` for each family of frozen dataclasses, made from their annotations."""

import math
from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

Declared = TypeVar("Declared", bound=type)
Message = TypeVar("Message")
#: Turns a member of a document into the value of a field. Raises: MessageError.
Read = Callable[[Any], Any]
#: Turns the value of a field into a member of a document; None: the value is JSON already.
Write = Callable[[Any], Any] | None

_INTEGERS = range(-(2**63), 2**63)
_NAMES = {str: "text", bool: "true or false", dict: "object", list: "array", int: "integer"}


@dataclass_transform(frozen_default=True)
def message(kind: str = "") -> Callable[[Declared], Declared]:
    """Make a frozen dataclass with slots that is a message, or (without a kind) a part of others.

    A worker starts with fifty of these. The code that `dataclass(frozen=True)` generates for each would take a tenth of
    that start; here all share their methods.

    Args:
        kind: tells the message apart in its family, and in a union.
    """

    def declare(declared: Declared) -> Declared:
        plain: Any = declared
        plain.kind = kind
        plain.__setattr__, plain.__delattr__ = _set_once, _keep
        plain.__eq__, plain.__hash__, plain.__repr__ = _is_equal, _hash, _repr
        slotted: Any = dataclass(slots=True, eq=False, repr=False)(plain)
        made: Declared = slotted
        return made

    return declare


def _set_once(self: object, name: str, value: object) -> None:
    if hasattr(self, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _keep(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _is_equal(self: object, other: object) -> bool:
    return type(self) is type(other) and _values(self) == _values(other)


def _hash(self: object) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    members = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
    return f"{type(self).__name__}({members})"


def _values(value: Any) -> tuple[object, ...]:
    return tuple(getattr(value, field.name) for field in fields(value))


class MessageError(ValueError):
    """A document of a known kind does not have the members of that kind."""


class Codec(Generic[Message]):
    """Encodes and decodes the messages of one family. The sender may be hostile, or another version of this server.

    Args:
        family: union of classes that `message` made, or one of them. Their fields may be str, bool, int (64 bits),
            float (finite), datetime (aware), enums of texts, `object` (any JSON), `dict[str, Any]` (any JSON object),
            other dataclasses, unions of those that have a kind, `| None`, `tuple[X, ...]`, `dict[str, X]`.
        dispensable: classes of messages that may be lost; ill-formed ones are ignored.
    """

    def __init__(self, family: object, dispensable: Collection[type] = ()):
        self._records = {kind.kind: _record(kind) for kind in _members(family)}
        self._dispensable = {kind.kind for kind in _members(family) if kind in dispensable}

    def encode(self, message: Message) -> dict[str, Any]:
        """The document of a message; the JSON values in it are the same objects."""
        kind: str = message.kind  # type: ignore[attr-defined]  # every class of a family has one
        return self._records[kind].write(message)

    def decode(self, document: object) -> Message | None:
        """The message of a document; None for what is ignored: unknown kinds, and ill-formed dispensable ones.

        Unknown members are left out: a later version may have added them.
        Raises: MessageError.
        """
        kind = _kind_of(_check(document, dict))
        record = self._records.get(kind)
        if record is None:
            return None
        try:
            message: Message = record.read(document)
        except MessageError as error:
            if kind in self._dispensable:
                return None
            raise MessageError(f"{kind}: {error}") from None
        return message


class _Record:
    """One dataclass."""

    def __init__(self, kind: type):
        hints = get_type_hints(kind)
        own = fields(kind)
        self._kind = kind
        self._tag = {"kind": _kind_of_class(kind)} if _kind_of_class(kind) else {}
        self._readers = [(field.name, _reader(hints[field.name]), _is_optional(field)) for field in own]
        self._writers = [(field.name, _writer(hints[field.name])) for field in own]

    def write(self, value: object) -> dict[str, Any]:
        document: dict[str, Any] = dict(self._tag)
        for name, write in self._writers:
            member = getattr(value, name)
            document[name] = member if write is None else write(member)
        return document

    def read(self, document: Any) -> Any:
        _check(document, dict)
        values = {}
        for name, read, optional in self._readers:
            if name in document:
                try:
                    values[name] = read(document[name])
                except MessageError as error:
                    raise MessageError(f"{name}: {error}") from None
            elif not optional:
                raise MessageError(f"{name} is missing")
        return self._kind(**values)


@cache
def _record(kind: type) -> _Record:
    return _Record(kind)


def _kind_of_class(kind: type) -> str:
    found: str = getattr(kind, "kind", "")
    return found


def _members(family: object) -> list[Any]:
    """The classes of a union, or the one class."""
    return list(get_args(family)) or [family]


def _kind_of(document: dict[str, Any]) -> str:
    """The kind that a document states; empty if none."""
    kind = document.get("kind")
    return kind if isinstance(kind, str) else ""


def _is_optional(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _reader(hint: Any) -> Read:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is object or hint is Any:
        return _as_it_is
    if origin in (Union, UnionType):
        return _union_reader([kind for kind in arguments if kind is not NoneType], NoneType in arguments)
    if origin is tuple:
        return _tuple_reader(_reader(arguments[0]))
    if origin is dict:
        return _mapping_reader(_reader(arguments[1]))
    if hint is float:
        return _read_float
    if hint is int:
        return _read_int
    if hint is datetime:
        return _read_time
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint).read
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum_reader(hint)
    return _plain_reader(hint)


def _union_reader(kinds: list[Any], nullable: bool) -> Read:
    tagged = {kind.kind: _record(kind).read for kind in kinds if _kind_of_class(kind)}
    plain = [_reader(kind) for kind in kinds if not _kind_of_class(kind)]

    def read(value: Any) -> Any:
        if value is None and nullable:
            return None
        tag = _kind_of(value) if isinstance(value, dict) else ""
        if tag in tagged:
            return tagged[tag](value)
        error = MessageError(f"expected one of {', '.join(tagged)}")
        for attempt in plain:
            try:
                return attempt(value)
            except MessageError as found:
                error = found
        raise error

    return read


def _tuple_reader(read: Read) -> Read:
    return lambda value: tuple([read(item) for item in _check(value, list)])


def _mapping_reader(read: Read) -> Read:
    if read is _as_it_is:
        return lambda value: _check(value, dict)
    return lambda value: {name: read(item) for name, item in _check(value, dict).items()}


def _enum_reader(kind: type[StrEnum]) -> Read:
    def read(value: Any) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            raise MessageError(f"expected one of {', '.join(map(str, kind))}, got {_shown(value)}") from None

    return read


def _plain_reader(kind: type) -> Read:
    return lambda value: _check(value, kind)


def _as_it_is(value: Any) -> Any:
    return value


def _read_int(value: Any) -> int:
    number: int = _check(value, int)
    if number not in _INTEGERS:
        raise MessageError(f"expected an integer of 64 bits, got {_shown(value)}")
    return number


def _read_float(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(_approximate(value)):
        raise MessageError(f"expected a finite number, got {_shown(value)}")
    return float(value)


def _approximate(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _read_time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(_check(value, str)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MessageError(f"expected a date and time, got {_shown(value)}") from None


def _check(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise MessageError(f"expected {_NAMES[kind]}, got {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """A foreign value for a message: its type, and its text if that is short."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    return repr(value)[:100] if isinstance(value, str) else str(value)[:100]


def _writer(hint: Any) -> Write:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _union_writer([kind for kind in arguments if kind is not NoneType])
    if origin is tuple:
        return _tuple_writer(_writer(arguments[0]))
    if origin is dict:
        return _mapping_writer(_writer(arguments[1]))
    if hint is datetime:
        return datetime.isoformat
    if is_dataclass(hint) and isinstance(hint, type):
        return _record(hint).write
    return None


def _union_writer(kinds: list[Any]) -> Write:
    writers = {kind: _writer(kind) for kind in kinds}
    if not any(writers.values()):
        return None

    def write(value: Any) -> Any:
        chosen = writers.get(type(value))
        return value if chosen is None else chosen(value)

    return write


def _tuple_writer(write: Write) -> Write:
    return list if write is None else lambda value: [write(item) for item in value]


def _mapping_writer(write: Write) -> Write:
    return None if write is None else lambda value: {name: write(item) for name, item in value.items()}
