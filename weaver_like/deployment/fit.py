"""Whether the schema that a description gives for an input or output is one that the package can take."""

from weaver_like.domain.formats import is_media_type
from weaver_like.schemas.shape import Shape

_WHOLE = "unbounded"
#: They make a schema refer to something outside of itself, or around itself.
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


#: The schema `true`, which may stand in them too, says nothing that a description could be made of.
_LISTS = ("oneOf", "anyOf", "allOf")


class Unfit(Exception):
    """member: pointer below the input or output.  detail: what was got, and what is wanted."""

    def __init__(self, member: str, detail: str):
        super().__init__(detail)
        self.member, self.detail = member, detail


def max_occurs(given: object, default: int | None) -> int | None:
    """None is "unbounded". Raises: Unfit."""
    if given is None:
        return default
    if given == _WHOLE:
        return None
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given < 2**31:
        raise Unfit("/maxOccurs", 'a whole number, 1 or more, or "unbounded" is wanted')
    return given


def without_lists(schema: dict) -> dict:
    """The schema of one occurrence, of a description that writes several occurrences as an array too."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return schema["items"]
    for key in ("oneOf", "anyOf"):
        forms = schema.get(key)
        if isinstance(forms, list) and len(forms) > 1:
            plain = [form for form in forms if not (isinstance(form, dict) and form.get("type") == "array")]
            if len(plain) == 1 and len(plain) < len(forms) and isinstance(plain[0], dict):
                return plain[0]
            if plain:
                return schema | {key: plain}
    return schema


def fitting_schema(own: dict, given: dict) -> dict:
    """What a description says of a value, completed by what the package says of it.

    own: of the package.  given: of the description; every form of it must be of a family of types that the package has.
    Raises: Unfit.
    """
    given = _checked(given)
    forms = _forms(given)
    if _is_any(own):
        return given
    merged = [_merged(own, form) for form in forms]
    if len(merged) == 1:
        fitted = merged[0]
    else:
        fitted = {key: value for key, value in given.items() if key not in ("oneOf", "anyOf")} | {"oneOf": merged}
    fitted |= {key: own[key] for key in ("default", "nullable") if key in own and key not in fitted}
    _compile(fitted)
    return fitted


def _checked(schema: dict) -> dict:
    schema = {key: value for key, value in schema.items() if key != "$schema"}
    _walk(schema, 0)
    _compile(schema)
    return schema


def _compile(schema: dict) -> None:
    try:
        Shape(schema)
    except (ValueError, RecursionError) as error:
        raise Unfit("/schema", f"this is no JSON schema: {str(error).partition(chr(10))[0][:300]}") from error


def _walk(node: object, depth: int) -> None:
    if depth > 50:
        raise Unfit("/schema", "it is nested more than 50 deep")
    if isinstance(node, dict):
        bad = [key for key in _REFERENCES if key in node]
        reference = node.get("$ref")
        if bad or (isinstance(reference, str) and reference.startswith("#")):
            raise Unfit("/schema", f"{bad[0] if bad else '$ref'} was got; a schema that stands alone is wanted")
        if not all(map(_holds_objects, map(node.get, _LISTS))):
            raise Unfit(
                "/schema",
                f"something else than an object stands in {', '.join(_LISTS)}; lists of schemas are wanted there",
            )
        kind = node.get("contentMediaType")
        if kind is not None and not (isinstance(kind, str) and is_media_type(kind)):
            raise Unfit("/schema/contentMediaType", "a media type (type/subtype) is wanted")
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for part in parts:
        _walk(part, depth + 1)


def _holds_objects(forms: object) -> bool:
    return not isinstance(forms, list) or all(isinstance(form, dict) for form in forms)


def _forms(schema: dict) -> list[dict]:
    forms = schema.get("oneOf") or schema.get("anyOf")
    return [form for form in forms if isinstance(form, dict)] if isinstance(forms, list) and forms else [schema]


def _is_any(schema: dict) -> bool:
    return not schema.keys() & {"type", "oneOf", "anyOf", "enum", "$ref"}


def _is_file(form: dict) -> bool:
    return (
        "contentMediaType" in form
        or "contentEncoding" in form
        or form.get("title") in ("File of CWL", "Directory of CWL")
    )


def _merged(own: dict, form: dict) -> dict:
    """One form of a description, completed by the form of the package that it means."""
    candidates = _forms(own)
    files = [one for one in candidates if _is_file(one)]
    kind = form.get("type")
    if files and (_is_file(form) or kind in ("object", "string") or kind is None):
        return _merged_file(files, form)
    for one in candidates:
        wanted = one.get("type")
        if kind is None and not form.keys() & {"allOf", "$ref"} and _allows(one, form):
            return one | form
        if kind == wanted or (kind == "integer" and wanted == "number"):
            if _is_file(form):
                continue
            return one | form
        if wanted is None and _is_any(one):
            return form
    wanted = " or ".join(
        dict.fromkeys("file" if _is_file(one) else str(one.get("type", "value")) for one in candidates)
    )
    got = "file" if _is_file(form) else kind if isinstance(kind, str) else "something else"
    raise Unfit("/schema", f"type {got} was got; the package has {wanted}")


def _allows(one: dict, form: dict) -> bool:
    """Of a form without a type: True, if its `enum` has values of the type of the package."""
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    wanted = kinds.get(one.get("type", ""))
    values = form.get("enum")
    return wanted is not None and (not isinstance(values, list) or all(isinstance(value, wanted) for value in values))


def _merged_file(files: list[dict], form: dict) -> dict:
    """A file needs a media type: without one its reference would be read as a value."""
    if "contentMediaType" in form or form.get("title") in ("File of CWL", "Directory of CWL"):
        return form
    if form.get("type") == "object" or "allOf" in form or "$ref" in form:
        return form | {
            "contentMediaType": "application/geo+json"
            if "geojson" in str(form.get("format", ""))
            else "application/json"
        }
    known = next((one for one in files if "contentMediaType" in one), files[0])
    return {key: known[key] for key in ("type", "contentEncoding", "contentMediaType") if key in known} | form
