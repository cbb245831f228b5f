"""Packages of several files, as multipart bodies."""

from collections.abc import Callable

import pytest
from webtest import TestApp

from tests.support.packages import (
    deploy,
    described,
    fresh,
    multipart,
    said,
    shout,
)

STEP = {"say": {"run": "tools/louder.cwl", "in": {"text": "text"}, "out": ["said"]}}


def flow(process_id: str) -> dict:
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": process_id,
        "inputs": {"text": "string"},
        "steps": STEP,
        "outputs": {"said": {"type": "string", "outputSource": "say/said"}},
    }


@pytest.mark.parametrize(
    ("subtype", "named", "more", "query"),
    [
        ("related", {"Content-Location": "NAME"}, {}, ""),
        ("mixed", {"Content-Disposition": 'attachment; filename="NAME"'}, {}, ""),
        ("form-data", {"Content-Disposition": 'form-data; name="file"; filename="NAME"'}, {}, ""),
        ("related", {"Content-ID": "<NAME>"}, {}, ""),
        ("related", {"Content-Location": "NAME"}, {"start": "<main>"}, ""),
        ("mixed", {"Content-Location": "NAME"}, {}, "?start=flow.cwl"),
    ],
)
def test_packages_of_several_files(app: TestApp, subtype: str, named: dict, more: dict, query: str) -> None:
    """RFC 2046, RFC 2387, RFC 7578"""
    process_id = fresh()
    tool = ({name: value.replace("NAME", "tools/louder.cwl") for name, value in named.items()}, shout(None))
    main = (
        {name: value.replace("NAME", "flow.cwl") for name, value in named.items()}
        | ({"Content-ID": "<main>"} if more else {}),
        flow(process_id),
    )
    parts = [tool, main] if more or query else [main, tool]
    kind, body = multipart(parts, subtype, **more)
    deploy(app, body, kind, query, status=201)
    assert said(app, process_id) == "hi!"
    answer = app.get(f"/processes/{process_id}/package", status=200)
    assert (answer.body, answer.headers["Content-Type"]) == (body, kind)


@pytest.mark.parametrize(
    "part",
    [
        described,
        lambda name: {"processDescription": described(name)},
        lambda name: {
            "processDescription": described(name),
            "executionUnit": {"href": "flow.cwl", "type": "application/cwl"},
        },
        lambda name: {"processDescription": described(name), "executionUnit": [{"href": "cid:main"}]},
    ],
)
def test_a_description_in_a_part_of_its_own(app: TestApp, part: Callable[[str], dict]) -> None:
    process_id = fresh()
    kind, body = multipart(
        [
            ({"Content-Type": "application/json", "Content-Location": "description.json"}, part(process_id)),
            (
                {"Content-Type": "application/cwl+json", "Content-Location": "flow.cwl", "Content-ID": "<main>"},
                flow("x"),
            ),
            (
                {
                    "Content-Type": "application/cwl+json",
                    "Content-Location": "tools/louder.cwl",
                    "Content-Transfer-Encoding": "8bit",
                },
                shout(None),
            ),
        ]
    )
    assert deploy(app, body, kind, status=201).json["title"] == "Shouts"
    assert said(app, process_id) == "hi!"
