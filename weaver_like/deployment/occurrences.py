"""How often an input occurs, and what it has when it does not, as a description says it.

Source: OGC 18-062r2, inputDescription.yaml, minOccurs and maxOccurs; older clients write the list of all occurrences as
a schema of its own, with minItems and maxItems.
"""

from typing import Any

from weaver_like.deployment.compatible import Incompatible, forms_of
from weaver_like.domain.process import InputDescription
from weaver_like.schemas.jsontext import JsonObject

_UNBOUNDED = "unbounded"
_MOST_OCCURRENCES = 2**31
#: What the schema of a list may say; anything else could not be kept, for a description is of one occurrence.
_OF_LISTS = ("type", "items", "minItems", "maxItems", "default", "title", "description", "nullable")


def split_lists(port: InputDescription, given: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The schema of one occurrence, and that of the list of all of them, empty if a description has none.

    port: as the package describes it.  Raises: Incompatible.
    """
    if not port.repeatable:
        return given, {}
    own = port.schema
    if _is_list(given, own):
        return given["items"], _checked(given)
    for key in ("oneOf", "anyOf"):
        forms = given.get(key)
        if not isinstance(forms, list):
            continue
        lists = [form for form in forms if _is_list(form, own)]
        single = [form for form in forms if form not in lists]
        if lists and single and all(isinstance(form, dict) for form in single):
            around = {name: value for name, value in given.items() if name not in (key, "default")}
            whole = _checked(lists[0]) | {name: given[name] for name in ("default",) if name in given}
            return around | (single[0] if len(single) == 1 else {key: single}), whole
    return given, {}


def _is_list(form: Any, own: JsonObject) -> bool:
    """Where one occurrence is a list itself, only a list of lists is that of all."""
    if not isinstance(form, dict) or form.get("type") != "array" or not isinstance(form.get("items"), dict):
        return False
    return form["items"].get("type") == "array" or not any(one.get("type") == "array" for one in forms_of(own))


def _checked(form: JsonObject) -> JsonObject:
    for name, value in form.items():
        if name not in _OF_LISTS and value not in (None, False):
            raise Incompatible(f"/schema/{name}", "this cannot be said of the occurrences of an input")
    return form


def default_of(port: InputDescription, entry: JsonObject, one: JsonObject, whole: JsonObject) -> Any:
    """The default that a description gives, as it would stand in a request; None: none.

    one, whole: schemas of one occurrence, and of the list of all.
    """
    given = next((holder["default"] for holder in (whole, one, entry) if holder.get("default") is not None), None)
    if given is None or not port.repeatable or isinstance(given, list):
        return given
    return [given]


def occurrences(port: InputDescription, entry: JsonObject, whole: JsonObject, default: Any) -> dict[str, Any]:
    """The change of `min_occurs` and `max_occurs`.

    Raises: Incompatible, if the package takes fewer, or needs more.
    """
    most, least = _most(port, entry, whole), _least(entry, whole)
    floor = 0 if port.may_be_empty else port.min_occurs
    if least is not None and least < floor:
        raise Incompatible("/minOccurs", f"expected at least {floor}, as in the package, got {least}")
    if port.max_occurs is not None and (most is None or most > port.max_occurs):
        got = _UNBOUNDED if most is None else most
        raise Incompatible("/maxOccurs", f"expected at most {port.max_occurs}, as in the package, got {got}")
    if most is not None and least is not None and least > most:
        raise Incompatible("/minOccurs", f"expected at most {most}, which is maxOccurs, got {least}")
    if default is not None and least is not None and least > 1:
        raise Incompatible("/minOccurs", f"expected 0 or 1, for an input with a default may be left out, got {least}")
    if default is not None:
        least = 0
    return {
        "min_occurs": port.min_occurs if least is None else least,
        "max_occurs": most,
        "may_be_empty": port.may_be_empty and least is None,
    }


def _most(port: InputDescription, entry: JsonObject, whole: JsonObject) -> int | None:
    """None is "unbounded"."""
    given = [*_given(entry, "maxOccurs"), *_given(entry, "maxItems"), *_given(whole, "maxItems")]
    if not given:
        return port.max_occurs
    limits = [
        _count(one, "/maxOccurs", 1, f'a whole number, 1 or more, or "{_UNBOUNDED}"')
        for one in given
        if one != _UNBOUNDED
    ]
    return min(limits, default=None)


def _least(entry: JsonObject, whole: JsonObject) -> int | None:
    """None: nothing is said."""
    given = [*_given(entry, "minOccurs"), *_given(entry, "minItems"), *_given(whole, "minItems")]
    return max((_count(one, "/minOccurs", 0, "a whole number, 0 or more") for one in given), default=None)


def _given(holder: JsonObject, name: str) -> list[Any]:
    return [] if holder.get(name) is None else [holder[name]]


def _count(given: Any, member: str, least: int, expected: str) -> int:
    """A text of digits is a number, for the older form of descriptions writes them so."""
    number = given
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        number = int(given)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number < _MOST_OCCURRENCES:
        raise Incompatible(member, f"expected {expected}")
    return number
