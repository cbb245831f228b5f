"""Checking the inputs of an execution against a process description: compiled once per description."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from weaver_like.domain.bbox import bbox_faults
from weaver_like.domain.errors import Fault, FaultKind
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import OCTETS, is_json, is_media_type, is_text, same_type
from weaver_like.domain.process import InputDescription, Process
from weaver_like.domain.values import Item, Occurrences, Reference, Value
from weaver_like.schemas.jsontext import loads
from weaver_like.schemas.shape import MAX_FAULTS, Shape, to_pointer


class Branch:
    """One of the forms that an input may have: a member of its `oneOf`, or its whole schema."""

    def __init__(self, schema: dict[str, Any]):
        self.schema = schema
        self.media_type: str | None = schema.get("contentMediaType")
        self.binary = schema.get("contentEncoding") in ("binary", "base64") or schema.get("format") == "byte"
        if self.binary:
            schema = {key: value for key, value in schema.items() if key != "format"}
        self.shape = Shape(schema)

    def faults(self, value: object, pointer: str) -> list[Fault]:
        found = self.shape.faults(value, pointer)
        if not found and self.binary and isinstance(value, str) and not _is_base64(value):
            found = [Fault(pointer, "expected base64 text (RFC 4648)")]
        return found


class InputValidator:
    """Source: /req/core/process-execute-input-validation, /req/ogc-process-description/input-def, -mixed-type."""

    def __init__(self, description: InputDescription):
        self.description = description
        schema = description.schema
        forms = schema.get("oneOf") or schema.get("anyOf")
        siblings = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
        # The forms overlap (any text is also a base64 candidate), so one fitting form is enough: oneOf would refuse it.
        self.branches = [Branch({**siblings, **form}) for form in forms or [schema]]
        self.bbox = any(_is_bbox(form) for form in [schema, *(forms or [])])

    @cached_property
    def media_types(self) -> list[str]:
        return [branch.media_type for branch in self.branches if branch.media_type]

    @property
    def by_content(self) -> bool:
        """True if a reference must be read and become a value: the input has no media type, so it is no file."""
        return not self.media_types

    def count_faults(self, given: Occurrences, pointer: str) -> Iterator[Fault]:
        """Too few or too many values; in the list form of inputs it is the first surplus entry that is wrong."""
        least, most, count = self.description.min_occurs, self.description.max_occurs, len(given.items)
        if count < least:
            yield Fault(pointer, f"expected at least {least} values, got {count}")
        if most is not None and count > most:
            where = pointer if given.pointers[most].startswith(pointer) else given.pointers[most]
            yield Fault(where, f"expected at most {most} values, got {count}")

    def faults(self, item: Item, pointer: str) -> list[Fault]:
        """Faults of one occurrence; of a reference only its media type can be checked before it is fetched."""
        given = item.format.media_type
        branches = self.branches
        if given and not is_media_type(given):
            return [Fault(pointer, f"expected a media type (type/subtype), got {given[:100]!r}")]
        if given and self.media_types:
            branches = self._branches_of(given)
            if not branches:
                return [Fault(pointer, f"expected media type {' or '.join(self.media_types)}, got '{given}'")]
        if isinstance(item, Reference):
            return []
        return self._value_faults(item, branches, pointer)

    def _branches_of(self, media_type: str) -> list[Branch]:
        """The forms that a value of this media type may have."""
        found = [branch for branch in self.branches if branch.media_type and _takes(branch.media_type, media_type)]
        if found or not is_json(media_type):
            return found
        return [branch for branch in self.branches if not branch.media_type]

    def _value_faults(self, item: Value, branches: list[Branch], pointer: str) -> list[Fault]:
        where = f"{pointer}/value" if item.qualified else pointer
        if self.bbox:
            return list(bbox_faults(item.data, where))
        declared = item.qualified and item.format.encoding == "base64"
        if declared and isinstance(item.data, str) and not _is_base64(item.data):
            return [Fault(where, "the value is declared as base64 (RFC 4648), but is not")]
        found: list[Fault] = []
        for branch in branches:
            if _fits_as_text(item, branch):
                return []
            faults = branch.faults(_structured(item, branch), where)
            if not faults:
                return []
            found = found or faults
        if len(branches) > 1:
            forms = ", ".join(branch.media_type or _types(branch.schema) for branch in branches)
            return [Fault(found[0].pointer, f"{found[0].detail}; the value matches none of: {forms}")]
        return found


class ProcessValidator:
    """Compiled checks of one process; one object per description, made at its first execution."""

    def __init__(self, process: Process):
        self.process = process
        self.inputs = {name: InputValidator(description) for name, description in process.inputs.items()}

    def faults(self, execution: Execution) -> list[Fault]:
        """Every fault of inputs and outputs: missing, unknown, surplus, ill-typed."""
        found = [
            _missing(entry.description)
            for name, entry in self.inputs.items()
            if name not in execution.inputs and entry.description.min_occurs > 0
        ]
        for name, given in execution.inputs.items():
            pointer = "/inputs" + to_pointer([name])
            entry = self.inputs.get(name)
            if len(found) > MAX_FAULTS:
                break
            if entry is None:
                where = given.pointers[0] if given.pointers else pointer
                found.append(Fault(where, f"no such input; the process has: {_names(self.inputs)}"))
                continue
            found.extend(entry.count_faults(given, pointer))
            for item, where in zip(given.items, given.pointers, strict=True):
                found.extend(entry.faults(item, where))
        found.extend(islice(self._output_faults(execution), MAX_FAULTS))
        return found

    def _output_faults(self, execution: Execution) -> Iterator[Fault]:
        for name, request in (execution.outputs or {}).items():
            pointer = "/outputs" + to_pointer([name])
            description = self.process.outputs.get(name)
            if description is None:
                yield Fault(pointer, f"no such output; the process has: {_names(self.process.outputs)}")
                continue
            offered = output_media_types(description.schema)
            wanted = request.format.media_type
            if wanted and not is_media_type(wanted):
                yield Fault(pointer, f"expected a media type (type/subtype), got {wanted[:100]!r}")
            elif wanted and offered and not any(same_type(wanted, one) for one in offered):
                yield Fault(pointer, f"expected media type {' or '.join(offered)}, got '{wanted}'")


def output_media_types(schema: dict[str, Any]) -> list[str]:
    """Media types of an output, the default one first; empty for plain JSON values."""
    forms = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return [form["contentMediaType"] for form in forms if form.get("contentMediaType")]


def accepts_array(schema: dict[str, Any]) -> bool:
    """True if one occurrence of an input with this schema may itself be a JSON array."""
    forms = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return any(form.get("type") == "array" or ("type" not in form and "items" in form) for form in forms)


def _takes(described: str, given: str) -> bool:
    """Bytes of no particular type are of every type."""
    return described == OCTETS or same_type(described, given)


def _structured(item: Value, branch: Branch) -> object:
    """A qualified JSON document may be given as its text: `{"value": "{...}", "mediaType": "application/geo+json"}`."""
    if item.qualified and isinstance(item.data, str) and branch.media_type and branch.schema.get("type") == "object":
        try:
            return loads(item.data)
        except ValueError:
            return item.data
    return item.data


def _fits_as_text(item: Value, branch: Branch) -> bool:
    """Text that the client has encoded as base64, and JSON given for a form that is described as text."""
    if not branch.media_type or branch.schema.get("type") != "string" or branch.binary:
        return False
    if isinstance(item.data, dict):
        return is_json(branch.media_type)
    if item.format.encoding != "base64" or not is_text(branch.media_type):
        return False
    return isinstance(item.data, str) and _is_base64(item.data)


def _is_bbox(schema: dict[str, Any]) -> bool:
    parts = [schema, *schema.get("allOf", ())]
    return any(part.get("format") == "ogc-bbox" for part in parts)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _missing(description: InputDescription) -> Fault:
    detail = "this input is required"
    if description.schema.get("type"):
        detail += f" ({_types(description.schema)})"
    return Fault("/inputs" + to_pointer([description.id]), detail, FaultKind.REQUIRED)


def _types(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "value")
    if isinstance(kind, list):
        return " or ".join(kind)
    return str(kind)


def _names(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"
