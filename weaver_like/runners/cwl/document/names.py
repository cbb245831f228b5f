"""Enums and records without a name: cwltool gives them one, and has to find them by it."""

from cwltool.process import Process

from weaver_like.runners.cwl.data.values import CwlType


def share_names(process: Process) -> None:
    """Let an array of enums or records be one of several types of an input, which an input with a default or a `?` has too.

    cwltool makes the type of such an array anew for each run, and stumbles over names that it gave before. As names only, with
    their definitions beside those of SchemaDefRequirement, they are found and not made. Source: cwltool, builder.py, bind_input.
    """
    for port in process.inputs_record_schema["fields"]:
        port["type"] = _settled(port["type"], process.schemaDefs)


def _settled(kind: CwlType, definitions: dict) -> CwlType:
    """A type that cwltool finds, or needs not make."""
    if isinstance(kind, list):
        return [
            _remade(part, definitions)
            if isinstance(part, dict) and part.get("type") == "array"
            else _settled(part, definitions)
            for part in kind
        ]
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "array":
        return {**kind, "items": _settled(kind["items"], definitions)}
    if kind["type"] == "record":
        return {**kind, "fields": [{**field, "type": _settled(field["type"], definitions)} for field in kind["fields"]]}
    return kind if isinstance(kind["type"], str) else {**kind, "type": _settled(kind["type"], definitions)}


def _remade(kind: CwlType, definitions: dict) -> CwlType:
    """A type that cwltool makes anew: what has a name in it stands there by that."""
    if isinstance(kind, list):
        return [_remade(part, definitions) for part in kind]
    if isinstance(kind, dict) and "name" in kind:
        definitions[kind["name"]] = _settled(kind, definitions)
        return kind["name"]
    return (
        {**kind, "items": _remade(kind["items"], definitions)}
        if isinstance(kind, dict) and kind.get("type") == "array"
        else kind
    )
