"""Values of inputs: by value or by reference. JSON values stay Python values, so nothing is lost."""

from dataclasses import dataclass, field

from weaver_like.domain.formats import Format


@dataclass(frozen=True, slots=True)
class Value:
    """A value given in the request; `data` is its JSON value: `False`, `None`, 64-bit integers stay what they are."""

    data: object
    format: Format = field(default_factory=Format)
    qualified: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A value given by reference. headers: HTTP headers, sent to the origin of `href` only; they may be secrets."""

    href: str
    format: Format = field(default_factory=Format)
    title: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


#: One occurrence of an input.
Item = Value | Reference


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The occurrences of one input in a request, in order, and the place of each one in the request."""

    items: tuple[Item, ...]
    pointers: tuple[str, ...]
