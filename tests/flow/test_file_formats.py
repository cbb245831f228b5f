"""Which of its declared formats a tool is told that a file has."""

from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from webtest import TestApp

from tests.support.packages import deploy, fresh, sweep

IANA = "https://www.iana.org/assignments/media-types/"
JSON, CSV = "http://edamontology.org/format_3464", f"{IANA}text/csv"


@pytest.fixture(scope="module", autouse=True)
def swept(app: TestApp) -> Iterator[None]:
    yield
    sweep(app)


@pytest.fixture(scope="module")
def tool(app: TestApp) -> str:
    """It takes JSON and CSV, and says which of the two it got."""
    process_id = fresh()
    deploy(
        app,
        {
            "cwlVersion": "v1.2",
            "class": "ExpressionTool",
            "id": process_id,
            "requirements": {"InlineJavascriptRequirement": {}},
            "inputs": {"table": {"type": "File", "format": [JSON, CSV]}},
            "outputs": {"format": "string"},
            "expression": "${return {format: inputs.table.format};}",
        },
        status=201,
    )
    return process_id


@pytest.mark.parametrize(
    ("given", "format_"),
    [
        (lambda url: {"href": f"{url}/t.csv", "type": "text/csv"}, CSV),
        (lambda url: {"href": f"{url}/t.csv"}, CSV),
        (lambda url: {"href": f"{url}/t"}, JSON),
        (lambda url: {"value": {"class": "File", "location": f"{url}/t.csv"}}, CSV),
        (lambda url: {"value": {"class": "File", "location": f"{url}/t", "basename": "u.csv"}}, CSV),
        (lambda url: {"value": {"class": "File", "location": f"{url}/t.csv", "format": JSON}}, JSON),
        (lambda _url: {"value": {"class": "File", "contents": "1,2", "basename": "t.csv"}}, CSV),
        (lambda _url: {"value": {"class": "File", "contents": "{}"}}, JSON),
    ],
)
@pytest.mark.parametrize("served", ["application/octet-stream", "application/x-unheard-of"])
def test_the_name_tells_the_format_where_nothing_else_does(
    app: TestApp, site: ThreadingHTTPServer, tool: str, served: str, given: Callable[[str], dict], format_: str
) -> None:
    site.pages |= {f"/{name}": (200, {"Content-Type": served}, b"{}") for name in ("t", "t.csv")}
    answer = app.post_json(
        f"/processes/{tool}/execution", {"inputs": {"table": given(site.url)}, "response": "document"}, status=200
    )
    assert answer.json["format"] == format_
