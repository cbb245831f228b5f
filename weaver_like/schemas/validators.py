"""Checking the inputs of an execution against a process description: compiled once per description."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from weaver_like.domain.bbox import bbox_faults
from weaver_like.domain.errors import Fault, FaultKind
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import HTML, OCTETS, essence, is_folder_type, is_json, is_media_type, same_type
from weaver_like.domain.process import InputDescription, Process
from weaver_like.domain.values import Item, Occurrences, Reference, Value
from weaver_like.schemas.content import decode_base64, read_content, read_literal
from weaver_like.schemas.jsontext import loads
from weaver_like.schemas.links import is_folder_link, object_class
from weaver_like.schemas.literals import literal_media_types
from weaver_like.schemas.numbers import whole_numbers
from weaver_like.schemas.shape import MAX_FAULTS, Shape, to_pointer

_JSON_TYPES = {str: "string", dict: "object", list: "array", bool: "boolean", int: "integer", float: "number"}
#: What a description says of a file of JSON that may hold any JSON.
_OF_ANY_JSON = {"contentMediaType", "contentEncoding", "title", "description", "nullable"}


class Branch:
    """One of the forms that an input may have: a member of its `oneOf`, or its whole schema.

    Attributes:
        media_type: of a file; None for a literal, which is passed on as a JSON value.
        checks_json: the file is JSON, and the description says more of it than that.
    """

    def __init__(self, schema: dict[str, Any]):
        self.schema = schema
        self.media_type: str | None = schema.get("contentMediaType")
        self.binary = schema.get("contentEncoding") in ("binary", "base64") or schema.get("format") == "byte"
        if self.binary:
            schema = {key: value for key, value in schema.items() if key != "format"}
        self._takes_text = schema.get("type") == "string"
        self._has_integers = "'integer'" in str(schema)
        self.checks_json = is_json(self.media_type) and not self._takes_text and not schema.keys() <= _OF_ANY_JSON
        self.shape = Shape(schema)

    @property
    def is_file(self) -> bool:
        return self.media_type is not None

    def faults(self, item: Value, pointer: str) -> list[Fault]:
        """Why a value does not have this form; none if it has."""
        try:
            if self.media_type is None or item.data is None:
                return self._literal_faults(item, pointer)
            return self._file_faults(item, item.format.media_type or self.media_type, pointer)
        except ValueError as error:
            return [Fault(pointer, str(error))]

    def is_near(self, value: object) -> bool:
        """Whether a value is of the type that this form has, whatever else is wrong with it."""
        if self.is_file:
            return isinstance(value, str) or is_json(self.media_type)
        return _JSON_TYPES.get(type(value)) == self.schema.get("type")

    def literal(self, item: Value) -> object:
        """The value of a literal, as the process gets it. Raises: ValueError."""
        value = read_literal(item.data, item.format.encoding if item.qualified else None, self._takes_text)
        return whole_numbers(value, self.schema) if self._has_integers else value

    def content(self, item: Value) -> bytes:
        """The content of a file. Raises: ValueError."""
        return read_content(item.data, item.format.media_type or self.media_type or OCTETS, item.format.encoding)

    def _literal_faults(self, item: Value, pointer: str) -> list[Fault]:
        value = self.literal(item)
        found = self.shape.faults(value, pointer)
        if not found and self.binary and isinstance(value, str):
            decode_base64(value)
        return found

    def _file_faults(self, item: Value, media_type: str, pointer: str) -> list[Fault]:
        given = is_json(item.format.media_type) or isinstance(item.data, (dict, list, str))
        if not isinstance(item.data, str) and not (given and is_json(media_type)):
            return self.shape.faults(item.data, pointer) or [Fault(pointer, f"expected a text, for {media_type}")]
        content = self.content(item)
        if self.checks_json:
            return self.shape.faults(loads(content), pointer)
        as_it_stands = isinstance(item.data, str) and self._takes_text and item.format.encoding != "base64"
        return self.shape.faults(item.data, pointer) if as_it_stands else []


class InputValidator:
    """Source: /req/core/process-execute-input-validation, /req/ogc-process-description/input-def, -mixed-type."""

    def __init__(self, description: InputDescription):
        self.description = description
        schema = description.schema
        forms = schema.get("oneOf") or schema.get("anyOf")
        siblings = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
        # The forms overlap (any text is also a base64 candidate), so one fitting form is enough: oneOf would refuse it.
        branches = [Branch({**siblings, **form}) for form in forms or [schema]]
        self.branches = sorted(branches, key=lambda branch: branch.is_file)
        self.bbox = any(_is_bbox(form) for form in [schema, *(forms or [])])

    @cached_property
    def media_types(self) -> list[str]:
        return [branch.media_type for branch in self.branches if branch.media_type]

    @property
    def by_content(self) -> bool:
        """True if a reference must be read and become a value: the input has no media type, so it is no file."""
        return not self.media_types

    @property
    def takes_anything(self) -> bool:
        """True if the description says nothing of a value."""
        return all(not branch.schema.keys() - {"nullable", "title", "description"} for branch in self.branches)

    @cached_property
    def _kinds(self) -> set[str | None]:
        """Classes of CWL's objects that the input takes."""
        return {object_class(branch.schema) for branch in self.branches}

    def wants_folder(self, item: Reference) -> bool:
        """Whether a reference leads to a folder. Where a file may be given too, it says so itself."""
        if "Directory" not in self._kinds:
            return False
        return "File" not in self._kinds or is_folder_link(item.href, item.format.media_type)

    def count_faults(self, given: Occurrences, pointer: str) -> Iterator[Fault]:
        """Too few or too many values; in the list form of inputs it is the first surplus entry that is wrong."""
        least, most, count = self.description.min_occurs, self.description.max_occurs, len(given.items)
        if count < least and not (count == 0 and self.description.may_be_empty):
            yield Fault(pointer, f"expected at least {least} values, got {count}")
        if most is not None and count > most:
            where = pointer if given.pointers[most].startswith(pointer) else given.pointers[most]
            yield Fault(where, f"expected at most {most} values, got {count}")

    def faults(self, item: Item, pointer: str) -> list[Fault]:
        """Faults of one occurrence; of a reference only its media type can be checked before it is fetched."""
        given = item.format.media_type
        if given and not is_media_type(given):
            return [Fault(pointer, f"expected a media type (type/subtype), got {given[:100]!r}")]
        branches = self._candidates(item)
        if not branches:
            return [Fault(pointer, f"expected media type {' or '.join(self.media_types)}, got '{given}'")]
        if isinstance(item, Reference):
            return []
        return self._value_faults(item, branches, pointer)

    def choose(self, item: Value) -> Branch:
        """The form that a value has, which was checked before."""
        branches = self._candidates(item)
        return next((branch for branch in branches if not branch.faults(item, "")), branches[0])

    def wants_json(self, media_type: str) -> bool:
        """Whether a referenced file of this media type must be JSON: the description has no other form for it."""
        return all(is_json(branch.media_type) for branch in self._branches_of(media_type) or self.branches)

    def content_faults(self, value: object, media_type: str, pointer: str) -> list[Fault]:
        """Faults of a referenced file that must be JSON, as far as the description says more of it."""
        branches = self._branches_of(media_type) or self.branches
        if not all(branch.checks_json for branch in branches):
            return []
        tried = [branch.shape.faults(value, pointer) for branch in branches]
        return self._nearest_faults(tried, branches, value)

    def _candidates(self, item: Item) -> list[Branch]:
        given = item.format.media_type
        return self._branches_of(given) if given and self.media_types else self.branches

    def _branches_of(self, media_type: str) -> list[Branch]:
        """The forms that a value of this media type may have."""
        found = [branch for branch in self.branches if branch.media_type and _takes(branch.media_type, media_type)]
        may_list = "Directory" in self._kinds and (is_folder_type(media_type) or essence(media_type) == HTML)
        if found or not (is_json(media_type) or may_list):
            return found
        return [branch for branch in self.branches if not branch.media_type]

    def _value_faults(self, item: Value, branches: list[Branch], pointer: str) -> list[Fault]:
        where = f"{pointer}/value" if item.qualified else pointer
        if self.bbox:
            return list(bbox_faults(item.data, where))
        if len(branches) == 1:
            return branches[0].faults(item, where)
        return self._nearest_faults((branch.faults(item, where) for branch in branches), branches, item.data)

    def _nearest_faults(self, tried: Iterable[list[Fault]], branches: list[Branch], value: object) -> list[Fault]:
        """None if the value has one of the forms; else those of the form that it comes nearest to."""
        found: list[Fault] = []
        nearest = (True, MAX_FAULTS)
        for branch, faults in zip(branches, tried, strict=True):
            if not faults:
                return []
            distance = (not branch.is_near(value), len(faults))
            if not found or distance < nearest:
                found, nearest = faults, distance
        if len(branches) > 1:
            forms = ", ".join(branch.media_type or _types(branch.schema) for branch in branches)
            first, *others = found
            return [Fault(first.pointer, f"{first.detail}; the value matches none of: {forms}"), *others]
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
            modes = self.process.output_transmission
            if request.transmission is not None and request.transmission not in modes:
                yield Fault(f"{pointer}/transmissionMode", f"expected {' or '.join(modes)}, got {request.transmission}")
            offered = output_media_types(description.schema) or literal_media_types(description.schema)
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


def _is_bbox(schema: dict[str, Any]) -> bool:
    parts = [schema, *schema.get("allOf", ())]
    return any(part.get("format") == "ogc-bbox" for part in parts)


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
