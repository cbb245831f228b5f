"""An execution unit that is a container image -> the CWL that means the same.

Neither the standard nor an image says what its command line looks like, so there is a convention (docs/packages.rst):
the member `command`, or the image's own entry point, then `--ID VALUE` for each input, unless `bindings.inputBindings`
says otherwise; an output is the file `ID` or `ID.*` in the folder where the command runs, unless
`bindings.outputBindings` says otherwise.
Source: OGC 20-044, executionUnit.yaml, inputBinding.yaml, outputBinding.yaml; CWL v1.2, CommandLineTool.
"""

from typing import Any

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.schemas.jsontext import JsonObject

_BINDING = ("prefix", "position", "valueFrom", "itemSeparator")
_LITERALS = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}
_IANA = "https://www.iana.org/assignments/media-types/"
#: Member of `config` -> that of CWL's ResourceRequirement, and what a unit of the one is in the other.
#: Source: executionUnit.yaml (GB) and CWL (MiB).
_RESOURCES = {
    "cpuMin": ("coresMin", 1),
    "cpuMax": ("coresMax", 1),
    "memoryMin": ("ramMin", 1024),
    "memoryMax": ("ramMax", 1024),
    "storageTempMin": ("tmpdirMin", 1024),
    "storageOutputsMin": ("outdirMin", 1024),
}


def container_tool(unit: JsonObject, description: JsonObject, pointer: str) -> JsonObject:
    """A CommandLineTool that runs in the image.

    description: of the process, as OGC has it.  pointer: to the unit, for faults.
    Raises: InvalidPackage, where the unit leaves open what to run.
    """
    image = unit.get("image")
    if not isinstance(image, str) or not image.strip():
        raise _incomplete(f"{pointer}/image", "expected the reference of an image")
    command = _command(unit.get("command"), f"{pointer}/command")
    bindings = _object(unit, "bindings", pointer)
    inputs = _ports(description, "inputs")
    outputs = _ports(description, "outputs")
    if not outputs:
        raise _incomplete("/processDescription/outputs", "a container without described outputs has no results")
    of_inputs = _object(bindings, "inputBindings", f"{pointer}/bindings")
    of_outputs = _object(bindings, "outputBindings", f"{pointer}/bindings")
    requirements: JsonObject = {"DockerRequirement": {"dockerPull": image}, "InlineJavascriptRequirement": {}}
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": description.get("id"),
        "baseCommand": command,
        "requirements": requirements | _limits(_object(unit, "config", pointer), pointer),
        "inputs": {name: _input(name, port, of_inputs.get(name), pointer) for name, port in inputs.items()},
        "outputs": {name: _output(name, port, of_outputs.get(name), pointer) for name, port in outputs.items()},
    }
    return {key: value for key, value in tool.items() if value is not None}


def _incomplete(pointer: str, detail: str) -> InvalidPackage:
    return InvalidPackage(
        f"The container cannot become a process: {pointer}: {detail}.", faults=[Fault(pointer, detail)]
    )


def _command(given: object, pointer: str) -> list[str] | None:
    """None: the entry point of the image."""
    if given is None:
        return None
    command = [given] if isinstance(given, str) else given
    if not isinstance(command, list) or not command or not all(isinstance(part, str) and part for part in command):
        raise _incomplete(pointer, "expected a text or a list of texts; without it the image's own entry point runs")
    return command


def _object(holder: JsonObject, name: str, pointer: str) -> JsonObject:
    found = holder.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _incomplete(f"{pointer}/{name}", "expected an object")
    return found


def _ports(description: JsonObject, name: str) -> dict[str, JsonObject]:
    """Inputs or outputs by id; the older form is a list."""
    ports = description.get(name) or {}
    if isinstance(ports, list):
        ports = {port.get("id"): port for port in ports if isinstance(port, dict)}
    if not isinstance(ports, dict) or not all(
        isinstance(key, str) and isinstance(port, dict) for key, port in ports.items()
    ):
        raise _incomplete(f"/processDescription/{name}", "expected an object with a member for each id")
    return ports


def _limits(config: JsonObject, pointer: str) -> JsonObject:
    """What `config` asks for, as requirements of CWL."""
    for name in (*_RESOURCES, "jobTimeout"):
        value = config.get(name)
        if value is not None and not _is_amount(value):
            raise _incomplete(f"{pointer}/config/{name}", "expected a number above 0")
    requirements: JsonObject = {}
    resources = {
        member: config[name] * factor for name, (member, factor) in _RESOURCES.items() if config.get(name) is not None
    }
    if resources:
        requirements["ResourceRequirement"] = resources
    limit_s = config.get("jobTimeout")
    if limit_s:
        requirements["ToolTimeLimit"] = {"timelimit": int(limit_s)}
    return requirements


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2**40


def _form(port: JsonObject, place: str) -> JsonObject:
    """The one form that a value has on a command line: of several, the one that is a file."""
    schema = port.get("schema")
    if not isinstance(schema, dict):
        raise _incomplete(f"{place}/schema", "expected a schema: it says what the command gets")
    given = schema.get("oneOf") or schema.get("anyOf") or [schema]
    forms: list[JsonObject] = []
    if isinstance(given, list):
        forms = [form for form in given if isinstance(form, dict)]
    files = [form for form in forms if "contentMediaType" in form or "contentEncoding" in form]
    if files:
        return files[0]
    if len(forms) == 1:
        return forms[0]
    raise _incomplete(f"{place}/schema", "expected one form, or one with contentMediaType, got several")


def _cwl_type(form: JsonObject, place: str) -> tuple[Any, str | None]:
    """The type of CWL, and the media type of a file."""
    media_type = form.get("contentMediaType")
    if isinstance(media_type, str) or "contentEncoding" in form:
        return "File", media_type
    kind = form.get("type")
    if kind == "object":
        return "File", "application/json"
    symbols = form.get("enum")
    if kind == "string" and _are_symbols(symbols):
        return {"type": "enum", "symbols": symbols}, None
    if kind == "array" and isinstance(form.get("items"), dict):
        items, media_type = _cwl_type(form["items"], place)
        return {"type": "array", "items": items}, media_type
    if isinstance(kind, str) and kind in _LITERALS:
        return _LITERALS[kind], None
    raise _incomplete(
        f"{place}/schema",
        "expected the type string, integer, number, boolean, array or object, or a contentMediaType",
    )


def _are_symbols(values: object) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(one, str) and one for one in values)


def _input(name: str, port: JsonObject, binding: object, pointer: str) -> JsonObject:
    place = f"/processDescription/inputs/{name}"
    form = _form(port, place)
    kind, _ = _cwl_type(form, place)  # media types of inputs are checked with the request
    if port.get("maxOccurs", 1) not in (1, "1", None):
        kind = {"type": "array", "items": kind}
    optional = port.get("minOccurs") in (0, "0")
    entry: JsonObject = {
        "type": ["null", kind] if optional else kind,
        "inputBinding": _input_binding(name, binding, f"{pointer}/bindings/inputBindings/{name}"),
    }
    if "default" in form and kind != "File":
        several = isinstance(kind, dict) and kind["type"] == "array" and not isinstance(form["default"], list)
        entry["default"] = [form["default"]] if several else form["default"]
    return entry


def _input_binding(name: str, given: object, pointer: str) -> JsonObject:
    if given is None:
        return {"prefix": f"--{name}"}
    if not isinstance(given, dict):
        raise _incomplete(pointer, "expected an object")
    if given.get("shellQuote") is False:
        raise _incomplete(f"{pointer}/shellQuote", "no shell reads the command line here, so false has no meaning")
    return {key: given[key] for key in _BINDING if given.get(key) is not None}


def _output(name: str, port: JsonObject, binding: object, pointer: str) -> JsonObject:
    place = f"/processDescription/outputs/{name}"
    kind, media_type = _cwl_type(_form(port, place), place)
    glob = binding.get("glob") if isinstance(binding, dict) else None
    if glob is None:
        glob = [name, f"{name}.*"]
    if not isinstance(glob, str) and not (isinstance(glob, list) and all(isinstance(part, str) for part in glob)):
        raise _incomplete(f"{pointer}/bindings/outputBindings/{name}/glob", "expected a pattern or a list of patterns")
    entry: JsonObject = {"type": kind, "outputBinding": {"glob": glob}}
    if media_type:
        entry["format"] = _IANA + media_type.partition(";")[0].strip()
    if not _is_file(kind):
        entry["outputBinding"] |= {"loadContents": True, "outputEval": _reading(kind)}
    return entry


def _is_file(kind: Any) -> bool:
    return kind == "File" or (isinstance(kind, dict) and kind.get("items") == "File")


def _reading(kind: Any) -> str:
    """The expression that reads a value from the file that the command wrote."""
    if kind == "string" or (isinstance(kind, dict) and kind["type"] == "enum"):
        return "$(self[0].contents.trim())"
    return "$(JSON.parse(self[0].contents))"
