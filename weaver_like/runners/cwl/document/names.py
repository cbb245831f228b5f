"""Enums and records without a name: cwltool gives them one, and has to find them by it."""

from collections.abc import MutableMapping
from typing import Any, cast

from cwltool.process import Process

from weaver_like.runners.cwl.types import CwlType, Document

_Definitions = MutableMapping[str, Any]


def share_names(process: Process) -> None:
    """Let an array of enums or records be one of several types of an input; one with a default or a `?` has several.

    cwltool makes the type of such an array anew for each run, and stumbles over names that it gave before. As names
    only, with their definitions beside those of SchemaDefRequirement, they are found and not made.
    Source: cwltool, builder.py, bind_input.
    """
    # cwltool types the record of all inputs as any value of CWL; its fields are mappings.
    for port in cast(list[Document], process.inputs_record_schema["fields"]):
        port["type"] = _settled(port["type"], process.schemaDefs)


def _settled(kind: CwlType, definitions: _Definitions) -> CwlType:
    """A type that cwltool finds, or need not make."""
    if isinstance(kind, list):
        return [_settled_option(option, definitions) for option in kind]
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "array":
        return {**kind, "items": _settled(kind["items"], definitions)}
    if kind["type"] == "record":
        return {**kind, "fields": [{**field, "type": _settled(field["type"], definitions)} for field in kind["fields"]]}
    if isinstance(kind["type"], str):
        return kind
    return {**kind, "type": _settled(kind["type"], definitions)}


def _settled_option(option: CwlType, definitions: _Definitions) -> CwlType:
    if isinstance(option, dict) and option.get("type") == "array":
        return _remade(option, definitions)
    return _settled(option, definitions)


def _remade(kind: CwlType, definitions: _Definitions) -> CwlType:
    """A type that cwltool makes anew: what has a name in it stands there by that."""
    if isinstance(kind, list):
        return [_remade(part, definitions) for part in kind]
    if not isinstance(kind, dict):
        return kind
    if "name" in kind:
        name = str(kind["name"])
        definitions[name] = _settled(kind, definitions)
        return name
    if kind.get("type") == "array":
        return {**kind, "items": _remade(kind["items"], definitions)}
    return kind
