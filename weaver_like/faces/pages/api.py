"""The API definition for human readers."""

from typing import Any, cast

from weaver_like.schemas.jsontext import loads


def api_page(definition: bytes) -> dict[str, Any]:
    """Operations and their parameters."""
    api = cast(dict[str, Any], loads(definition))
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


def _operation(base: str, path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    followed = method == "get" and "{" not in path
    return {
        "method": method.upper(),
        "path": base + path if followed else path,
        "summary": operation["summary"],
        "parameters": ", ".join(parameter["name"] for parameter in operation["parameters"]),
        "answers": ", ".join(operation["responses"]),
    }
