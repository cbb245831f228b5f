"""The API definition for human readers."""

from typing import cast

from weaver_like.schemas.jsontext import JsonObject, loads


def api_page(definition: bytes) -> JsonObject:
    """Operations and their parameters."""
    api = cast(JsonObject, loads(definition))
    base = api["servers"][0]["url"].rstrip("/")
    operations = [
        _operation(base, path, method, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    info = api["info"]
    return {
        "title": info["title"],
        "description": info["description"],
        "openapi": api["openapi"],
        "operations": operations,
    }


def _operation(base: str, path: str, method: str, operation: JsonObject) -> JsonObject:
    if method == "get" and "{" not in path:
        path = base + path  # an anchor, which can be followed
    return {
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "parameters": ", ".join(parameter["name"] for parameter in operation["parameters"]),
        "answers": ", ".join(operation["responses"]),
    }
