"""Calling a declared function: staged inputs -> arguments, returned values -> outputs. Runs in the job's child."""

import base64
import datetime
import enum
import json
import pathlib
import typing
from collections.abc import Mapping
from pathlib import Path

from weaver_like.authoring.context import Context
from weaver_like.authoring.declare import Declaration, Parameter
from weaver_like.authoring.types import BoundingBox, File
from weaver_like.domain.formats import extension_of, is_json, same_type


def call(declaration: Declaration, inputs: Mapping[str, list[dict]], context: Context) -> dict:
    """Run the function; its outputs as JSON: {id: {"value": ...} | {"path": ..., "mediaType": ...} | {"items": [...]}}.

    inputs: id -> occurrences, each {"value", "mediaType"?, "encoding"?} or {"path", "mediaType"}.
    Raises: whatever the function raises; TypeError, if it returns what it did not declare.
    """
    arguments = {}
    for name, occurrences in inputs.items():
        parameter = declaration.parameters[name]
        values = [_argument(parameter, item, context.workdir, number) for number, item in enumerate(occurrences)]
        repeatable = declaration.process.inputs[name].repeatable
        arguments[name] = values if repeatable else values[0]
    if declaration.context_parameter:
        arguments[declaration.context_parameter] = context
    return _outputs(declaration, declaration.function(**arguments))


def _argument(parameter: Parameter, item: dict, workdir: Path, number: int) -> object:
    kind = parameter.kind
    if kind in (File, pathlib.Path):
        file = _as_file(parameter, item, workdir, number)
        return file if kind is File else file.path
    value = item["value"] if "value" in item else _read(Path(item["path"]), kind)
    if isinstance(value, str) and item.get("mediaType") and parameter.schema.get("type") == "object":
        value = json.loads(value)
    return _convert(value, kind)


def _read(path: Path, kind: object) -> object:
    text = path.read_text("utf-8")
    return text if kind is str else json.loads(text)


def _convert(value: object, kind: object) -> object:
    if value is None:
        return None
    if kind is int and isinstance(value, float):
        return int(value)
    if kind is BoundingBox:
        return BoundingBox(tuple(value["bbox"]), value.get("crs"))
    if kind is datetime.datetime:
        return datetime.datetime.fromisoformat(value)
    if kind is datetime.date:
        return datetime.date.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if typing.get_origin(kind) in (list, tuple) and typing.get_args(kind) and isinstance(value, list):
        return [_convert(part, typing.get_args(kind)[0]) for part in value]
    return value


def _as_file(parameter: Parameter, item: dict, workdir: Path, number: int) -> File:
    """A file that was fetched, or one written from the value in the request."""
    if "path" in item:
        return File(Path(item["path"]), item.get("mediaType"))
    value = item["value"]
    form = _form(parameter.schema, item.get("mediaType"), isinstance(value, (dict, list)))
    media_type = item.get("mediaType") or form.get("contentMediaType")
    folder = workdir / "inputs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{parameter.name}-{number}{extension_of(media_type)}"
    if not isinstance(value, str):
        path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    elif form.get("contentEncoding") or item.get("encoding") == "base64":
        path.write_bytes(base64.b64decode(value))
    else:
        path.write_text(value, "utf-8", newline="")
    return File(path, media_type)


def _form(schema: dict, media_type: str | None, structured: bool) -> dict:
    """The form of the input that a value without a file belongs to."""
    forms = schema.get("oneOf") or [schema]
    if media_type:
        forms = [form for form in forms if same_type(form.get("contentMediaType", ""), media_type)] or forms
    fitting = [form for form in forms if is_json(form.get("contentMediaType")) == structured]
    return (fitting or forms)[0]


def _outputs(declaration: Declaration, returned: object) -> dict:
    known = declaration.output_kinds
    if declaration.single_output:
        returned = {next(iter(known)): returned}
    if not isinstance(returned, Mapping):
        raise TypeError(f"The process returned {type(returned).__name__}; a mapping of its outputs is wanted.")
    if unknown := sorted(set(returned) - set(known)):
        raise TypeError(f"The process returned outputs that it does not declare: {', '.join(map(str, unknown))}.")
    if missing := sorted(set(known) - set(returned) - declaration.optional_outputs):
        raise TypeError(f"The process did not return its outputs: {', '.join(missing)}.")
    return {name: _rendered(value, known[name]) for name, value in returned.items()}


def _rendered(value: object, kind: object) -> dict:
    if typing.get_origin(kind) is list and typing.get_args(kind)[:1] in ((File,), (pathlib.Path,)):
        return {"items": [_rendered(part, File) for part in value]}
    if isinstance(value, File):
        return {"path": str(value.path), "mediaType": value.media_type}
    if isinstance(value, Path) or kind in (File, pathlib.Path):
        return {"path": str(value), "mediaType": None}
    return {"value": plain(value)}


def plain(value: object) -> object:
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
