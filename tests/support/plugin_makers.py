"""Plugins that tests write, and running them."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit

#: What every plugin of these tests begins with.
HEAD = """
import datetime, enum, json, os, signal, sys, time, typing
from pathlib import Path
from typing import Annotated, Literal
from weaver_like.authoring import BoundingBox, Cancelled, Context, File, Input, Output, process
"""

SOURCES = Path(__file__).parent / "plugins"


def source(name: str) -> str:
    """A plugin of tests/support/plugins."""
    return (SOURCES / f"{name}.py").read_text("utf-8")


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def function(body: str, head: str = "def run(context: Context) -> str:", options: str = 'id="run"') -> str:
    return f"{HEAD}\n@process({options})\n{head}\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"


def run(app: TestApp, inputs: dict | None = None, process: str = "run", limit_s: float = 20) -> tuple[dict, list[str]]:
    """Status and log of a job."""
    job_id = submit(app, process, inputs)
    status = finished(app, job_id, limit_s)
    return status, [entry["message"] for entry in app.get(f"/jobs/{job_id}/logs?limit=10000").json["logs"]]


def still_works(app: TestApp) -> None:
    """Every worker is as good as before."""
    for number in range(4):
        assert app.post_json(
            "/processes/echo/execution", {"inputs": {"message": str(number)}, "response": "document"}
        ).json == {"message": str(number)}


@pytest.fixture
def with_plugin(make_app: Callable, tmp_path: Path) -> Callable[..., TestApp]:
    """An application whose plugin folder holds files: `with_plugin({"a.py": text}, "section.name=value")`."""

    def make(files: dict[str, str], *overrides: str) -> TestApp:
        write(tmp_path / "plugins", files)
        return make_app(f"plugins.folders={tmp_path / 'plugins'}", *overrides)

    return make
