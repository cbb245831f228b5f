"""Small application packages, and how clients send them."""

import json
import uuid

from webtest import TestApp, TestResponse

CWL = "application/cwl"


def shout(process_id: str | None = "shout", mark: str = "!", **members: object) -> dict:
    """CWL that gives back a text with a mark behind it; it needs no command."""
    tool = {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "id": process_id,
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {"text": {"type": "string"}, "count": {"type": "int?"}},
        "outputs": {"said": {"type": "string"}},
        "expression": "${return {said: inputs.text + '" + mark + "'};}",
    }
    return {key: value for key, value in (tool | members).items() if value is not None}


def described(process_id: str, **members: object) -> dict:
    """An OGC process description that fits `shout`."""
    return {
        "id": process_id,
        "version": "2.1.0",
        "title": "Shouts",
        "description": "Says it louder.",
        "keywords": ["loud"],
        "inputs": {"text": {"title": "What", "schema": {"type": "string", "maxLength": 20}}},
        "outputs": {"said": {"title": "Loud", "schema": {"type": "string"}}},
    } | members


def application_package(process_id: str, unit: object = None, **members: object) -> dict:
    unit = {"value": shout(process_id), "mediaType": "application/cwl+json"} if unit is None else unit
    return {"processDescription": {"process": described(process_id, **members)}, "executionUnit": unit}


def fresh(name: str = "p") -> str:
    """An id that no other test has."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def deploy(app: TestApp, body: object, kind: str = CWL, query: str = "", **more: object) -> TestResponse:
    """POST /processes; body: what becomes JSON, or text, or bytes."""
    text = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return app.post(f"/processes{query}", text, headers={"Content-Type": kind, **more.pop("headers", {})}, **more)


def put(app: TestApp, process_id: str, body: object, kind: str = CWL, query: str = "", **more: object) -> TestResponse:
    text = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return app.put(f"/processes/{process_id}{query}", text, headers={"Content-Type": kind}, **more)


def patch(
    app: TestApp,
    process_id: str,
    body: object,
    kind: str = "application/merge-patch+json",
    query: str = "",
    **more: object,
) -> TestResponse:
    return app.patch(f"/processes/{process_id}{query}", json.dumps(body), headers={"Content-Type": kind}, **more)


def multipart(parts: list[tuple[dict, object]], subtype: str = "related", **parameters: str) -> tuple[str, bytes]:
    """Content type and body; parts: (headers, content)."""
    boundary = f"b{uuid.uuid4().hex}"
    body = b""
    for headers, content in parts:
        text = (
            content
            if isinstance(content, bytes)
            else (content if isinstance(content, str) else json.dumps(content)).encode()
        )
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += f"--{boundary}\r\n{head}\r\n".encode() + text + b"\r\n"
    more = "".join(f'; {name}="{value}"' for name, value in parameters.items())
    return f'multipart/{subtype}; boundary="{boundary}"{more}', body + f"--{boundary}--\r\n".encode()


def said(app: TestApp, process_id: str, text: str = "hi") -> str:
    """What a process like `shout` gives."""
    return app.post_json(
        f"/processes/{process_id}/execution", {"inputs": {"text": text}, "response": "document"}, status=200
    ).json["said"]


def sweep(app: TestApp, *kept: str) -> None:
    """Remove what tests deployed, for those that look at everything that is on offer."""
    for process in app.get("/processes?limit=10000").json["processes"]:
        if process["mutable"] and process["id"] not in kept:
            app.delete(f"/processes/{process['id']}", status=204)
