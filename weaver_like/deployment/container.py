"""An execution unit that is a container image -> the CWL that means the same.

Neither standard nor image says what the command line looks like, so there is a convention (docs/packages.rst): the member `command`, or
the image's own entry point, then `--ID VALUE` for each input, unless `bindings.inputBindings` says otherwise; an output is the file
`ID` or `ID.*` in the folder where the command runs, unless `bindings.outputBindings` says otherwise.
Source: OGC 20-044, executionUnit.yaml, inputBinding.yaml, outputBinding.yaml; CWL v1.2, CommandLineTool.
"""

from weaver_like.domain.errors import Fault, InvalidPackage

_BINDING = ("prefix", "position", "valueFrom", "itemSeparator")
_LITERALS = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}
_IANA = "https://www.iana.org/assignments/media-types/"
#: Member of `config` -> CWL's ResourceRequirement, and what a unit of the one is in the other. Source: executionUnit.yaml (GB) and CWL (MiB).
_RESOURCES = {
    "cpuMin": ("coresMin", 1),
    "cpuMax": ("coresMax", 1),
    "memoryMin": ("ramMin", 1024),
    "memoryMax": ("ramMax", 1024),
    "storageTempMin": ("tmpdirMin", 1024),
    "storageOutputsMin": ("outdirMin", 1024),
}


class _Unclear(Exception):
    """pointer, detail."""


def container_tool(unit: dict, description: dict, pointer: str) -> dict:
    """A CommandLineTool. Raises: InvalidPackage, where the unit leaves open what is to be run."""
    try:
        return _tool(unit, description, pointer)
    except _Unclear as error:
        place, detail = error.args
        raise InvalidPackage(
            f"The container cannot be made a process: {place}: {detail}.", faults=[Fault(place, detail)]
        ) from error


def _tool(unit: dict, description: dict, pointer: str) -> dict:
    image = unit.get("image")
    if not isinstance(image, str) or not image.strip():
        raise _Unclear(f"{pointer}/image", "the reference of an image is wanted")
    command = unit.get("command")
    command = [command] if isinstance(command, str) else command
    if command is not None and (
        not isinstance(command, list) or not command or not all(isinstance(part, str) and part for part in command)
    ):
        raise _Unclear(
            f"{pointer}/command",
            "a text or a list of texts is wanted, or nothing: then the image's own entry point is run",
        )
    bindings = _mapping(unit, "bindings", pointer)
    inputs, outputs = _ports(description, "inputs"), _ports(description, "outputs")
    if not outputs:
        raise _Unclear(
            "/processDescription/outputs", "a container without a description of its outputs gives nothing back"
        )
    given, taken = (_mapping(bindings, name, f"{pointer}/bindings") for name in ("inputBindings", "outputBindings"))
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": description.get("id"),
        "baseCommand": command,
        "requirements": {"DockerRequirement": {"dockerPull": image}, "InlineJavascriptRequirement": {}}
        | _limits(_mapping(unit, "config", pointer), pointer),
        "inputs": {name: _input(name, port, given.get(name), pointer) for name, port in inputs.items()},
        "outputs": {name: _output(name, port, taken.get(name), pointer) for name, port in outputs.items()},
    }
    return {key: value for key, value in tool.items() if value is not None}


def _mapping(holder: dict, name: str, pointer: str) -> dict:
    found = holder.get(name)
    if found is not None and not isinstance(found, dict):
        raise _Unclear(f"{pointer}/{name}", "an object is wanted")
    return found or {}


def _ports(description: dict, name: str) -> dict[str, dict]:
    ports = description.get(name) or {}
    if isinstance(ports, list):
        ports = {port.get("id"): port for port in ports if isinstance(port, dict)}
    if not isinstance(ports, dict) or not all(
        isinstance(key, str) and isinstance(port, dict) for key, port in ports.items()
    ):
        raise _Unclear(f"/processDescription/{name}", "an object with a member for each id is wanted")
    return ports


def _limits(config: dict, pointer: str) -> dict:
    for name in (*_RESOURCES, "jobTimeout"):
        value = config.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 2**40
        ):
            raise _Unclear(f"{pointer}/config/{name}", "a number above 0 is wanted")
    resources = {
        there: config[name] * factor for name, (there, factor) in _RESOURCES.items() if config.get(name) is not None
    }
    limit = config.get("jobTimeout")
    return ({"ResourceRequirement": resources} if resources else {}) | (
        {"ToolTimeLimit": {"timelimit": int(limit)}} if limit else {}
    )


def _form(port: dict, place: str) -> dict:
    """The one form that a value has on a command line: of several the one that is a file."""
    schema = port.get("schema")
    if not isinstance(schema, dict):
        raise _Unclear(f"{place}/schema", "a schema is wanted: it says what the command gets")
    forms = schema.get("oneOf") or schema.get("anyOf") or [schema]
    forms = [form for form in forms if isinstance(form, dict)] if isinstance(forms, list) else []
    files = [form for form in forms if "contentMediaType" in form or "contentEncoding" in form]
    if len(forms) == 1 or files:
        return (files or forms)[0]
    raise _Unclear(f"{place}/schema", "several forms were got; one, or one with contentMediaType, is wanted")


def _cwl_type(form: dict, place: str) -> tuple[object, str | None]:
    """The type of CWL, and the media type of a file."""
    media_type = form.get("contentMediaType")
    if isinstance(media_type, str) or "contentEncoding" in form:
        return "File", media_type
    kind = form.get("type")
    if kind == "object":
        return "File", "application/json"
    if (
        kind == "string"
        and isinstance(form.get("enum"), list)
        and form["enum"]
        and all(isinstance(one, str) and one for one in form["enum"])
    ):
        return {"type": "enum", "symbols": form["enum"]}, None
    if kind == "array" and isinstance(form.get("items"), dict):
        items, media_type = _cwl_type(form["items"], place)
        return {"type": "array", "items": items}, media_type
    if isinstance(kind, str) and kind in _LITERALS:
        return _LITERALS[kind], None
    raise _Unclear(
        f"{place}/schema", "a type string, integer, number, boolean, array or object, or a contentMediaType is wanted"
    )


def _input(name: str, port: dict, binding: object, pointer: str) -> dict:
    place = f"/processDescription/inputs/{name}"
    form = _form(port, place)
    kind, _ = _cwl_type(form, place)  # media types of inputs are checked with the request
    if port.get("maxOccurs", 1) not in (1, "1", None):
        kind = {"type": "array", "items": kind}
    entry: dict = {
        "type": ["null", kind] if port.get("minOccurs") in (0, "0") else kind,
        "inputBinding": {"prefix": f"--{name}"},
    }
    if "default" in form and kind != "File":
        entry["default"] = form["default"]
    if binding is not None:
        if not isinstance(binding, dict):
            raise _Unclear(f"{pointer}/bindings/inputBindings/{name}", "an object is wanted")
        if binding.get("shellQuote") is False:
            raise _Unclear(
                f"{pointer}/bindings/inputBindings/{name}/shellQuote",
                "false was got; no shell reads the command line here",
            )
        entry["inputBinding"] = {key: binding[key] for key in _BINDING if binding.get(key) is not None}
    return entry


def _output(name: str, port: dict, binding: object, pointer: str) -> dict:
    place = f"/processDescription/outputs/{name}"
    kind, media_type = _cwl_type(_form(port, place), place)
    glob = binding.get("glob") if isinstance(binding, dict) else None
    glob = [name, f"{name}.*"] if glob is None else glob
    if not isinstance(glob, str) and not (isinstance(glob, list) and all(isinstance(part, str) for part in glob)):
        raise _Unclear(f"{pointer}/bindings/outputBindings/{name}/glob", "a pattern, or a list of patterns, is wanted")
    entry: dict = {"type": kind, "outputBinding": {"glob": glob}}
    if media_type:
        entry["format"] = _IANA + media_type.partition(";")[0].strip()
    if kind == "File" or (isinstance(kind, dict) and kind.get("items") == "File"):
        return entry
    read = (
        "$(self[0].contents.trim())"
        if kind == "string" or (isinstance(kind, dict) and kind["type"] == "enum")
        else "$(JSON.parse(self[0].contents))"
    )
    return entry | {"outputBinding": {"glob": glob, "loadContents": True, "outputEval": read}}
