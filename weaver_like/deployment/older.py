"""The older form of process descriptions -> that of today: lists, `formats`, `literalDataDomains`.

Source: OGC 18-062, drafts before 1.0 (WPS 2.0 in JSON); the spellings are those that are in use.
"""

from collections.abc import Iterator
from typing import Any

from weaver_like.deployment.compatible import Incompatible
from weaver_like.domain.formats import file_schema
from weaver_like.schemas.jsontext import JsonObject

#: Type of JSON -> data types of XML Schema and of JSON that are of it, in lower case.
_TYPES = {
    "integer": "integer int long short byte nonnegativeinteger positiveinteger unsignedint unsignedlong",
    "number": "float double number decimal scale angle",
    "boolean": "boolean bool",
    "string": "string text normalizedstring token",
}
#: Those that are texts of a certain form.
_FORMATS = {"date": "date", "time": "time", "datetime": "date-time", "anyuri": "uri", "uri": "uri"}
_LITERALS: dict[str, JsonObject] = {name: {"type": kind} for kind, names in _TYPES.items() for name in names.split()}
_LITERALS |= {name: {"type": "string", "format": form} for name, form in _FORMATS.items()}
_DOMAINS = ("literaldatadomains", "literaldatadomain")
_UNITS = ("uom", "defaultUOM", "UOMs")
_OF_A_DOMAIN = ("dataType", "valueDefinition", "allowedValues", "anyValue", "defaultValue", "default", *_UNITS)
_OF_A_DEFINITION = ("allowedValues", "anyValue", "defaultValue", "minimumValue", "maximumValue", "rangeClosure")
_OF_A_RANGE = ("minimumValue", "maximumValue", "spacing", "rangeClosure")
_OF_A_FORMAT = ("mediaType", "mimeType", "default", "encoding", "characterEncoding", "schema", "title")


def modern(description: JsonObject) -> JsonObject:
    """A description with lists of inputs and outputs, and with `abstract`, as one of today."""
    found = dict(description)
    for name in ("inputs", "outputs"):
        ports = found.get(name)
        if isinstance(ports, list) and all(
            isinstance(port, dict) and isinstance(port.get("id"), str) for port in ports
        ):
            found[name] = {port["id"]: port for port in ports}
    return with_description(found)


def modern_port(entry: JsonObject) -> JsonObject:
    """An input or output whose form stands in a member `input` or `output` of its own, without that."""
    found = dict(entry)
    for name in ("input", "output"):
        if isinstance(found.get(name), dict):
            found = found.pop(name) | found
    for name in [name for name in found if name.lower() in _DOMAINS]:
        found["literalDataDomains"] = found.pop(name)
    return with_description(found)


def with_description(entry: JsonObject) -> JsonObject:
    """`abstract` is what `description` is today."""
    if not isinstance(entry.get("abstract"), str):
        return entry
    return {"description": entry["abstract"]} | {name: value for name, value in entry.items() if name != "abstract"}


def schema_of(entry: JsonObject) -> JsonObject | None:
    """What `formats` (media types) or `literalDataDomains` (types and values) mean; None if there are none.

    Raises: Incompatible.
    """
    formats = entry.get("formats")
    if isinstance(formats, list) and formats:
        return _one_of(_schemas_of_formats(formats))
    if formats not in (None, []):
        raise Incompatible("/formats", "expected a list of objects with a mediaType")
    domains = entry.get("literalDataDomains")
    if domains in (None, []):
        return None
    return _one_of(_schemas_of_domains(domains))


def _one_of(forms: list[JsonObject]) -> JsonObject:
    """A default is that of the whole."""
    if len(forms) == 1:
        return forms[0]
    defaults = [form.pop("default") for form in forms if "default" in form]
    return {"oneOf": forms} | ({"default": defaults[0]} if defaults else {})


def _schemas_of_formats(formats: list[Any]) -> list[JsonObject]:
    """One for each format, the default one first."""
    found: list[tuple[bool, JsonObject]] = []
    for number, entry in enumerate(formats):
        kind = entry.get("mediaType") or entry.get("mimeType") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or not kind:
            raise Incompatible("/formats", "expected a list of objects with a mediaType")
        _only(entry, _OF_A_FORMAT, f"/formats/{number}")
        schema: JsonObject = file_schema(kind)
        if entry.get("encoding") in ("base64", "binary"):
            schema["contentEncoding"] = entry["encoding"]
        if entry.get("schema"):
            schema["contentSchema"] = entry["schema"]
        if schema not in [other for _, other in found]:
            found.append((entry.get("default") is True, schema))
    return [schema for _, schema in sorted(found, key=lambda one: not one[0])]


def _schemas_of_domains(domains: Any) -> list[JsonObject]:
    """One for each domain, the default one first."""
    entries = domains if isinstance(domains, list) else [domains]
    found: list[tuple[bool, JsonObject]] = []
    for number, entry in enumerate(entries):
        pointer = f"/literalDataDomains/{number}" if isinstance(domains, list) else "/literalDataDomains"
        if not isinstance(entry, dict):
            raise Incompatible(pointer, "expected an object with a dataType")
        found.append((entry.get("default") is True, _schema_of_domain(entry, pointer)))
    return [schema for _, schema in sorted(found, key=lambda one: not one[0])]


def _schema_of_domain(entry: JsonObject, pointer: str) -> JsonObject:
    _only(entry, _OF_A_DOMAIN, pointer)
    schema = dict(_type_of(entry.get("dataType"), f"{pointer}/dataType"))
    given = entry.get("valueDefinition")
    definition = dict(given) if isinstance(given, dict) else {"allowedValues": given} if given else {}
    _only(definition, _OF_A_DEFINITION, f"{pointer}/valueDefinition")
    definition |= {name: entry[name] for name in ("allowedValues", "defaultValue") if name in entry}
    if definition.get("defaultValue") is not None:
        schema["default"] = _typed(definition["defaultValue"], schema, f"{pointer}/defaultValue")
    schema |= _unit_of(entry, pointer)
    allowed = f"{pointer}/allowedValues"
    limits = [*_ranges_in(definition), *_listed(definition.get("allowedValues"))]
    values = [_typed(value, schema, allowed) for value in limits if not isinstance(value, dict)]
    forms = [_schema_of_range(value, allowed) for value in limits if isinstance(value, dict)]
    if values:
        forms.insert(0, {"enum": values})
    if len(forms) > 1:
        return schema | {"anyOf": forms}
    return schema | (forms[0] if forms else {})


def _typed(value: Any, schema: JsonObject, pointer: str) -> Any:
    """Numbers are written as texts too."""
    return _number(value, pointer) if schema.get("type") in ("integer", "number") else value


def _unit_of(entry: JsonObject, pointer: str) -> JsonObject:
    """Source: OGC 23-058, JSON Schema keyword `x-ogc-unit`."""
    given = next((entry[name] for name in _UNITS if entry.get(name)), None)
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if isinstance(given, dict):
        given = given.get("name") or given.get("uom") or given.get("reference")
    if given is None:
        return {}
    if not isinstance(given, str):
        raise Incompatible(f"{pointer}/uom", "expected one unit of measurement: its name, or an object with that")
    return {"x-ogc-unit": given}


def _type_of(kind: Any, pointer: str) -> JsonObject:
    """A name, or an object with a name or the address of one."""
    name = kind
    if isinstance(kind, dict):
        name = next(
            (kind[member] for member in ("name", "type", "value", "reference", "href") if kind.get(member)), None
        )
    if name is None:
        return {}
    plain = str(name).replace("#", ":").rpartition(":")[2].rpartition("/")[2].lower()
    if plain not in _LITERALS:
        raise Incompatible(pointer, f"expected one of {', '.join(_LITERALS)}, got '{str(name)[:100]}'")
    return _LITERALS[plain]


def _listed(values: Any) -> Iterator[Any]:
    """Allowed values: scalars, objects with a `value`, ranges."""
    for value in values if isinstance(values, list) else [values] if values is not None else []:
        if isinstance(value, dict) and "allowedValues" in value:
            yield from _listed(value["allowedValues"])
        else:
            yield value["value"] if isinstance(value, dict) and "value" in value else value


def _ranges_in(definition: JsonObject) -> Iterator[JsonObject]:
    found = {name: definition[name] for name in _OF_A_RANGE if name in definition}
    if found:
        yield found


def _schema_of_range(given: JsonObject, pointer: str) -> JsonObject:
    """Source: WPS 2.0, "Range"; a boundary that is open does not belong to it."""
    _only(given, _OF_A_RANGE, pointer)
    closure = given.get("rangeClosure", "closed")
    closures = {"closed": "", "open": "minmax", "open-closed": "min", "closed-open": "max"}
    if closure not in closures:
        raise Incompatible(f"{pointer}/rangeClosure", f"expected one of {', '.join(closures)}, got '{closure}'")
    schema: JsonObject = {}
    for member, bound, exclusive in (
        ("minimumValue", "minimum", "exclusiveMinimum"),
        ("maximumValue", "maximum", "exclusiveMaximum"),
    ):
        if given.get(member) is not None:
            schema[bound] = _number(given[member], f"{pointer}/{member}")
            if bound[:3] in closures[closure]:
                schema[exclusive] = True
    if given.get("spacing") is not None:
        raise Incompatible(f"{pointer}/spacing", "expected none: JSON Schema cannot say it of a range")
    return schema


def _number(given: Any, pointer: str) -> int | float:
    try:
        return given if isinstance(given, (int, float)) else float(given) if "." in given else int(given)
    except (TypeError, ValueError) as error:
        raise Incompatible(pointer, "expected a number") from error


def _only(entry: JsonObject, known: tuple[str, ...], pointer: str) -> None:
    """Raises: Incompatible, for a member that would be lost."""
    for name in entry:
        if name not in known:
            raise Incompatible(f"{pointer}/{str(name)[:100]}", f"this is not understood; {', '.join(known)} are")
