"""Whether the schema that a description gives for an input or output is one that the package can take."""

from weaver_like.domain.formats import is_media_type
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import Shape

_UNBOUNDED = "unbounded"
_MOST_OCCURRENCES = 2**31
_DEEPEST = 50
#: They make a schema refer to something outside of itself, or to a part around it.
_REFERENCES = (
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "$recursiveAnchor",
    "$defs",
    "definitions",
)
#: Lists of schemas. The schema `true`, which may stand in them too, says nothing that a description could be made of.
_LISTS = ("oneOf", "anyOf", "allOf")
#: Titles of the schemas of CWL's own objects.
_CWL_OBJECTS = ("File of CWL", "Directory of CWL")
_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


class Incompatible(Exception):
    """A description does not fit the package.

    member: pointer below the input or output.  detail: what was expected, and what came.
    """

    def __init__(self, member: str, detail: str):
        super().__init__(detail)
        self.member = member
        self.detail = detail


def whole_number(given: object) -> object:
    """A text of digits as a number, for the older form of descriptions writes them so; anything else as it is."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        return int(given)
    return given


def max_occurs(given: object, default: int | None) -> int | None:
    """None is "unbounded". Raises: Incompatible."""
    if given is None:
        return default
    if given == _UNBOUNDED:
        return None
    number = whole_number(given)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < _MOST_OCCURRENCES:
        raise Incompatible("/maxOccurs", 'expected a whole number, 1 or more, or "unbounded"')
    return number


def min_occurs(given: object, default: int) -> int:
    """Raises: Incompatible."""
    if given is None:
        return default
    number = whole_number(given)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _MOST_OCCURRENCES:
        raise Incompatible("/minOccurs", "expected a whole number, 0 or more")
    return number


def without_lists(schema: JsonObject) -> JsonObject:
    """The schema of one occurrence, of a description that writes several occurrences as an array too."""
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict):
        return items
    for key in ("oneOf", "anyOf"):
        forms = schema.get(key)
        if not isinstance(forms, list) or len(forms) < 2:
            continue
        plain = [form for form in forms if not (isinstance(form, dict) and form.get("type") == "array")]
        if len(plain) == 1 and isinstance(plain[0], dict):
            return plain[0]
        if plain:
            return schema | {key: plain}
    return schema


def compatible_schema(own: JsonObject, given: JsonObject) -> JsonObject:
    """What a description says of a value, completed by what the package says of it.

    own: of the package.  given: of the description; every form of it must be of a family of types that the package has.
    Raises: Incompatible.
    """
    given = {key: value for key, value in given.items() if key != "$schema"}
    _check_parts(given, 0)
    _compile(given)
    if _is_any(own):
        return given
    merged = [_merged(own, form) for form in _forms(given)]
    if len(merged) == 1:
        schema = merged[0]
    else:
        schema = {key: value for key, value in given.items() if key not in ("oneOf", "anyOf")} | {"oneOf": merged}
    schema |= {key: own[key] for key in ("default", "nullable") if key in own and key not in schema}
    _compile(schema)
    return schema


def _compile(schema: JsonObject) -> None:
    try:
        Shape(schema)
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise Incompatible("/schema", f"not a valid JSON schema: {reason[:300]}") from error


def _check_parts(node: object, depth: int) -> None:
    """Raises: Incompatible, for a schema that does not stand alone, is too deep, or has ill-typed members."""
    if depth > _DEEPEST:
        raise Incompatible("/schema", f"nested more than {_DEEPEST} deep")
    parts: list[object] = []
    if isinstance(node, dict):
        _check_members(node)
        parts = list(node.values())
    elif isinstance(node, list):
        parts = node
    for part in parts:
        _check_parts(part, depth + 1)


def _check_members(schema: JsonObject) -> None:
    reference = schema.get("$ref")
    leading_out = [key for key in _REFERENCES if key in schema]
    if isinstance(reference, str) and reference.startswith("#"):
        leading_out.append("$ref")
    if leading_out:
        raise Incompatible("/schema", f"expected a schema that stands alone, got {leading_out[0]}")
    if not all(_holds_objects(schema.get(name)) for name in _LISTS):
        raise Incompatible("/schema", f"expected lists of schemas in {', '.join(_LISTS)}, each schema an object")
    media_type = schema.get("contentMediaType")
    if media_type is not None and not (isinstance(media_type, str) and is_media_type(media_type)):
        raise Incompatible("/schema/contentMediaType", "expected a media type (type/subtype)")


def _holds_objects(forms: object) -> bool:
    return not isinstance(forms, list) or all(isinstance(form, dict) for form in forms)


def _forms(schema: JsonObject) -> list[JsonObject]:
    forms = schema.get("oneOf") or schema.get("anyOf")
    if not isinstance(forms, list) or not forms:
        return [schema]
    return [form for form in forms if isinstance(form, dict)]


def _is_any(schema: JsonObject) -> bool:
    return not schema.keys() & {"type", "oneOf", "anyOf", "enum", "$ref"}


def _is_file(form: JsonObject) -> bool:
    return "contentMediaType" in form or "contentEncoding" in form or form.get("title") in _CWL_OBJECTS


def _merged(own: JsonObject, form: JsonObject) -> JsonObject:
    """One form of a description, completed by the form of the package that it means. Raises: Incompatible."""
    candidates = _forms(own)
    files = [candidate for candidate in candidates if _is_file(candidate)]
    kind = form.get("type")
    if files and (_is_file(form) or kind in ("object", "string") or kind is None):
        return _merged_file(files, form)
    for candidate in candidates:
        own_kind = candidate.get("type")
        if kind is None and not form.keys() & {"allOf", "$ref"} and _allows(candidate, form):
            return candidate | form
        if kind == own_kind or (kind == "integer" and own_kind == "number"):
            if not _is_file(form):
                return candidate | form
        elif own_kind is None and _is_any(candidate):
            return form
    expected = dict.fromkeys(_kind_name(candidate, "value") for candidate in candidates)
    raise Incompatible(
        "/schema", f"expected type {' or '.join(expected)}, as in the package, got {_kind_name(form, 'something else')}"
    )


def _kind_name(form: JsonObject, otherwise: str) -> str:
    if _is_file(form):
        return "file"
    kind = form.get("type")
    return kind if isinstance(kind, str) else otherwise


def _allows(own: JsonObject, form: JsonObject) -> bool:
    """Of a form without a type: True, if its `enum` has values of the type of the package."""
    kind = _KINDS.get(str(own.get("type")))
    values = form.get("enum")
    if kind is None:
        return False
    return not isinstance(values, list) or all(isinstance(value, kind) for value in values)


def _merged_file(files: list[JsonObject], form: JsonObject) -> JsonObject:
    """A file needs a media type: without one its reference would be read as a value."""
    if "contentMediaType" in form or form.get("title") in _CWL_OBJECTS:
        return form
    if form.get("type") == "object" or "allOf" in form or "$ref" in form:
        is_geojson = "geojson" in str(form.get("format", ""))
        return form | {"contentMediaType": "application/geo+json" if is_geojson else "application/json"}
    known = next((file for file in files if "contentMediaType" in file), files[0])
    return {key: known[key] for key in ("type", "contentEncoding", "contentMediaType") if key in known} | form
