"""Types of CWL as documents state them, and names for values that CWL types loosely."""

from typing import Any, TypeAlias

#: The name of a type, a union of types, or the definition of an array, an enum or a record.
CwlType: TypeAlias = str | list["CwlType"] | dict[str, Any]
#: A document, or a mapping in one: an input, an output, a step, a requirement.
Document: TypeAlias = dict[str, Any]
#: Input id -> value, or output id -> value.
Values: TypeAlias = dict[str, Any]


def is_optional(kind: CwlType) -> bool:
    """True for a type that has the value null; `Any` has every other one. Source: CWL v1.2, "Any"."""
    return kind == "null" or (isinstance(kind, list) and "null" in kind)


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


def occurrence_of(kind: CwlType) -> CwlType | None:
    """The type of one occurrence of an input that may occur several times; None for one that occurs once.

    That is an array, or a union of an array and just what its items may be: `File | File[]`.
    """
    options = options_of(kind)
    arrays = [option for option in options if is_list(option)]
    if len(arrays) != 1:
        return None
    items = items_of(arrays[0])
    single = [option for option in options if option is not arrays[0]]
    return items if items is not None and (not single or single == options_of(items)) else None


def is_list(kind: CwlType) -> bool:
    return items_of(kind) is not None
