"""Whole numbers that are written as floats: `3.0` and `1e3` are integers, JSON Schema says."""

from typing import Any


def whole_numbers(value: Any, schema: dict[str, Any]) -> Any:
    """The value, with an integer wherever its schema asks for one and the value has a whole float.

    Source: JSON Schema 2020-12, Core, section 4.2.1.
    """
    if isinstance(value, list) and not any(isinstance(part, (float, list, dict)) for part in value):
        return value
    if not isinstance(value, (float, list, dict)):
        return value
    options = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    match value:
        case float() if value.is_integer():
            kinds = {option.get("type") for option in options if isinstance(option.get("type"), str)}
            return int(value) if "integer" in kinds and "number" not in kinds else value
        case list():
            items = _first(options, "items")
            return [whole_numbers(part, items) for part in value]
        case dict():
            known = _first(options, "properties")
            return {name: whole_numbers(part, known.get(name, {})) for name, part in value.items()}
    return value


def _first(options: list[dict[str, Any]], keyword: str) -> dict[str, Any]:
    """What the first form says that says anything of it."""
    return next((option[keyword] for option in options if isinstance(option.get(keyword), dict)), {})
