"""The API definition, as tests read it."""

from collections.abc import Iterator

from jsonschema import Draft4Validator
from webtest import TestResponse


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def operations(api: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(api: dict, schema: dict) -> Draft4Validator:
    """A schema of the definition as a validator.

    OpenAPI 3.0 schemas are nearest to draft 4 (boolean exclusive bounds).
    """
    return Draft4Validator(schema | {"components": api["components"]})


def undefined(api: dict, operation: dict, answer: TestResponse) -> list[str]:
    """What is not in the definition: the status of an answer, its media type, its JSON."""
    name = f"{operation['operationId']} {answer.status_int}"
    defined = operation["responses"].get(str(answer.status_int))
    if defined is None:
        return [f"{name}: the status is not defined"]
    if "$ref" in defined:
        defined = api["components"]["responses"][defined["$ref"].rpartition("/")[2]]
    content = {kind.partition(";")[0]: entry for kind, entry in defined.get("content", {}).items()}
    if not answer.body:
        return []
    if answer.content_type not in content and "*/*" not in content:
        return [f"{name}: {answer.content_type} is not defined, only {', '.join(content)}"]
    schema = content.get(answer.content_type, {}).get("schema")
    if not schema or not answer.content_type.endswith("json"):
        return []
    return [f"{name}: {error.message}" for error in resolved(api, schema).iter_errors(answer.json)]
