"""Why a value fits no branch of `anyOf` or `oneOf`: the faults of the branch that comes closest."""

from collections.abc import Iterator

import jsonschema_rs

#: Nested deeper, the fault of the outer value is told.
_MAX_DEPTH = 20


def explained(error: jsonschema_rs.ValidationError, depth: int = 0) -> Iterator[tuple[list[str | int], str]]:
    """Yield the place in the value, and what is wrong there."""
    branches = _branches(error)
    if not branches or depth > _MAX_DEPTH:
        yield error.instance_path, error.message
        return
    place = error.instance_path
    fitting = [branch for branch in branches if not _misses(branch, place)]
    if not fitting:  # the value itself is of another kind than any branch takes
        yield place, "; or ".join(dict.fromkeys(branch[0].message for branch in branches))
        return
    for fault in min(fitting, key=_distance):
        yield from explained(fault, depth + 1)


def _branches(error: jsonschema_rs.ValidationError) -> list[list[jsonschema_rs.ValidationError]]:
    kinds = (jsonschema_rs.ValidationErrorKind.AnyOf, jsonschema_rs.ValidationErrorKind.OneOfNotValid)
    return [branch for branch in error.kind.context if branch] if isinstance(error.kind, kinds) else []


def _misses(branch: list[jsonschema_rs.ValidationError], place: list[str | int]) -> bool:
    """Whether a branch is for values of another type, or for other constants."""
    return any(fault.instance_path == place and fault.kind.name in ("type", "const", "enum") for fault in branch)


def _distance(branch: list[jsonschema_rs.ValidationError]) -> tuple[bool, int]:
    """Branches told apart by a constant member, as `"type": "Point"`, are not meant by who gives another one."""
    return any(fault.kind.name in ("const", "enum") for fault in branch), len(branch)
