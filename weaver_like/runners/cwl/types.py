"""Types of CWL as documents state them, and names for values that CWL types loosely."""

from typing import Any, TypeAlias

#: The name of a type, a union of types, or the definition of an array, an enum or a record.
CwlType: TypeAlias = str | list["CwlType"] | dict[str, Any]
#: A document, or a mapping in one: an input, an output, a step, a requirement.
Document: TypeAlias = dict[str, Any]
#: Input id -> value, or output id -> value.
Values: TypeAlias = dict[str, Any]


def is_optional(kind: CwlType) -> bool:
    return kind in ("null", "Any") or (isinstance(kind, list) and "null" in kind)


def bare(kind: CwlType) -> CwlType:
    """The type without its `null`; a union of one is that one."""
    if not isinstance(kind, list):
        return kind
    rest = [part for part in kind if part != "null"]
    return rest[0] if len(rest) == 1 else rest


def options_of(kind: CwlType) -> list[CwlType]:
    """The types of a union, without `null`; of any other type that one."""
    rest = bare(kind)
    return rest if isinstance(rest, list) else [rest]


def items_of(kind: CwlType) -> CwlType | None:
    """The type of an array's items, which are the occurrences of an input; None for what is not an array."""
    array = bare(kind)
    if not isinstance(array, dict) or array.get("type") != "array":
        return None
    items: CwlType = array["items"]
    return items


def is_list(kind: CwlType) -> bool:
    return items_of(kind) is not None
