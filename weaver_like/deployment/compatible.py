"""Whether the schema that a description gives for an input or output is one that the package can take."""

from weaver_like.domain.formats import is_media_type
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import Shape

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
    lists = next((form for form in forms_of(own) if _is_list_of_files(form)), None)
    if lists is not None and not any(form.get("type") == "array" for form in forms_of(given)):
        return _of_listed_files(own, lists, given)
    merged = [_merged(own, form) for form in forms_of(given)]
    if len(merged) == 1:
        schema = merged[0]
    else:
        schema = {key: value for key, value in given.items() if key not in ("oneOf", "anyOf")} | {"oneOf": merged}
    schema |= {key: own[key] for key in ("default", "nullable") if key in own and key not in schema}
    _compile(schema)
    return schema


def _is_list_of_files(form: JsonObject) -> bool:
    items = form.get("items")
    return form.get("type") == "array" and isinstance(items, dict) and any(map(_is_file, forms_of(items)))


def _of_listed_files(own: JsonObject, lists: JsonObject, given: JsonObject) -> JsonObject:
    """What is said of files holds for each file of a list, and for one that comes alone, if it may."""
    described = lists | {"items": compatible_schema(lists["items"], given)}
    single = [form for form in forms_of(own) if form is not lists]
    if not single:
        return described
    if any(map(_is_file, single)):
        single = forms_of(compatible_schema({"oneOf": single}, given))
    return {"oneOf": [*single, described]}


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


def forms_of(schema: JsonObject) -> list[JsonObject]:
    """The forms of which a value has one: those of `oneOf` or `anyOf`, else the schema as a whole."""
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
    candidates = forms_of(own)
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
                return candidate | form | _merged_items(candidate, form)
        elif own_kind is None and _is_any(candidate):
            return form
    expected = dict.fromkeys(_kind_name(candidate, "value") for candidate in candidates)
    raise Incompatible(
        "/schema", f"expected type {' or '.join(expected)}, as in the package, got {_kind_name(form, 'something else')}"
    )


def _merged_items(own: JsonObject, form: JsonObject) -> JsonObject:
    """Of two lists: the items of the one must be such of the other. Raises: Incompatible."""
    items, given = own.get("items"), form.get("items")
    if not isinstance(items, dict) or not isinstance(given, dict):
        return {}
    return {"items": compatible_schema(items, given)}


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
