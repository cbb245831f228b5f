"""Calling a declared function: staged inputs -> arguments, returned values -> outputs. Runs in the job's child."""

import datetime
import enum
import json
import pathlib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weaver_like.authoring.context import Context
from weaver_like.authoring.declare import Declaration, Parameter
from weaver_like.authoring.types import BoundingBox, File
from weaver_like.domain.messages import (
    InputReference,
    InputValue,
    OutputArray,
    OutputFile,
    OutputValue,
    RunInput,
    RunOutput,
)


def call(declaration: Declaration, inputs: Mapping[str, Sequence[RunInput]], context: Context) -> dict[str, RunOutput]:
    """Run the function; its outputs by id. inputs: id -> occurrences.

    Raises: whatever the function raises; TypeError, if it returns what it did not declare.
    """
    arguments: dict[str, object] = {}
    for name, occurrences in inputs.items():
        parameter = declaration.parameters[name]
        values = [_argument(parameter, item) for item in occurrences]
        repeatable = declaration.process.inputs[name].repeatable
        arguments[name] = values if repeatable else values[0]
    for name, parameter in declaration.parameters.items():
        if name not in inputs and not parameter.has_default:
            arguments[name] = []  # it may come any number of times, and came none
    if declaration.context_parameter:
        arguments[declaration.context_parameter] = context
    return _outputs(declaration, declaration.function(**arguments))


def _argument(parameter: Parameter, item: RunInput) -> object:
    if isinstance(item, InputReference):
        raise TypeError(f"Input '{parameter.name}' was not fetched.")
    kind = parameter.kind
    if isinstance(item, InputValue):
        return _convert(item.value, kind)
    path = Path(item.path)
    if kind is File:
        return File(path, item.media_type)
    if kind is pathlib.Path:
        return path
    return _convert(_read(path, kind), kind)


def _read(path: Path, kind: object) -> object:
    text = path.read_text("utf-8")
    return text if kind is str else json.loads(text)


def _convert(value: Any, kind: object) -> object:
    if value is None:
        return None
    if kind is int and isinstance(value, float):
        return int(value)
    if kind is BoundingBox:
        return BoundingBox(tuple(value["bbox"]), value.get("crs"))
    if kind is datetime.datetime:
        return datetime.datetime.fromisoformat(value.upper())
    if kind is datetime.date:
        return datetime.date.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if typing.get_origin(kind) in (list, tuple) and typing.get_args(kind) and isinstance(value, list):
        return [_convert(part, typing.get_args(kind)[0]) for part in value]
    return value


def _outputs(declaration: Declaration, returned: object) -> dict[str, RunOutput]:
    known = declaration.output_kinds
    if declaration.single_output:
        returned = {next(iter(known)): returned}
    if not isinstance(returned, Mapping):
        raise TypeError(f"The process returned {type(returned).__name__}; expected a mapping of its outputs.")
    unknown = sorted(set(returned) - set(known))
    if unknown:
        raise TypeError(f"The process returned outputs that it does not declare: {', '.join(map(str, unknown))}.")
    missing = sorted(set(known) - set(returned) - declaration.optional_outputs)
    if missing:
        raise TypeError(f"The process did not return its outputs: {', '.join(missing)}.")
    return {name: _output(value, known[name]) for name, value in returned.items()}


def _output(value: Any, kind: object) -> RunOutput:
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is list and arguments and arguments[0] in (File, pathlib.Path):
        return OutputArray(tuple(_file(part) for part in value))
    if isinstance(value, (File, Path)) or kind in (File, pathlib.Path):
        return _file(value)
    return OutputValue(plain(value))


def _file(value: object) -> OutputFile:
    if isinstance(value, File):
        return OutputFile(str(value.path), value.media_type)
    return OutputFile(str(value))


def plain(value: Any) -> Any:
    """A returned value as JSON; numpy scalars and arrays by their own `tolist`."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, BoundingBox):
        return value.to_json()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"The process returned a {type(value).__name__}, which JSON cannot hold.")
