"""Values of secret inputs: commands get them, and nobody else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from webtest import TestApp

from tests.flow.test_schedules import RARELY, fired, make_due
from tests.support.applications import make_service
from tests.support.client import finished, submit
from tests.support.packages import patch, put
from tests.support.plugin_makers import write
from tests.support.workflows import deploy, steps_of, workflow
from weaver_like.engines.base import ClosePolicy

WORD = "hunter2"
#: As shells, JSON and URLs write it in ways of their own.
SECRET = f'it\'s "{WORD}" & more'
NAMESPACES = {"cwltool": "http://commonwl.org/cwltool#"}
HINT = {"cwltool:Secrets": {"secrets": ["password"]}}
DOCUMENTS = ("", "/inputs", "/logs", "/steps", "/exceptions", "/events", "/results", "/statistics")


def tool(script: str = 'echo "with $0"; echo "$0" >&2; printf %s "$0" | wc -c; exit $1', **more: object) -> dict:
    """It says its password wherever it can."""
    return {
        "class": "CommandLineTool",
        "$namespaces": NAMESPACES,
        "hints": HINT,
        "requirements": {"InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", script],
        "inputs": {
            "password": {"type": "string", "inputBinding": {"position": 1}},
            "code": {"type": "int", "inputBinding": {"position": 2}, "default": 0},
        },
        "outputs": {},
    } | more


LENGTH = {"outputs": {"length": {"type": "stdout"}}, "baseCommand": ["sh", "-c", 'printf %s "$0" | wc -c']}


def shown(app: TestApp, job: str) -> str:
    """Everything that is told of a job, in both forms."""
    texts = []
    for name in DOCUMENTS:
        for kind in ("application/json", "text/html"):
            accept = "text/event-stream" if name == "/events" else kind
            texts.append(app.get(f"/jobs/{job}{name}", headers={"Accept": accept}, expect_errors=True).text)
    return "\n".join(texts)


def test_a_secret_is_masked_in_all_that_is_told_of_its_job(app: TestApp) -> None:
    process = deploy(app, tool())
    assert app.get(f"/processes/{process}").json["inputs"]["password"]["schema"] == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
    }
    job = submit(app, process, {"password": SECRET, "code": 3})
    assert finished(app, job)["status"] == "failed"
    (step,) = steps_of(app, job).values()
    assert step["command"].endswith("'***' 3")
    assert step["log"] == ["with ***", "***", str(len(SECRET))]
    assert app.get(f"/jobs/{job}/inputs").json["inputs"] == {"password": "***", "code": 3}
    assert "Its last lines:\nwith ***" in app.get(f"/jobs/{job}/results", status=500).json["detail"]
    assert WORD not in shown(app, job)


def test_the_command_gets_what_nobody_else_sees(app: TestApp) -> None:
    job = submit(app, deploy(app, tool(**LENGTH)), {"password": SECRET})
    assert finished(app, job)["status"] == "successful"
    assert app.get(f"/jobs/{job}/results/length").text.strip() == str(len(SECRET))
    assert WORD not in shown(app, job)


def test_a_secret_may_come_by_reference(app: TestApp, site: ThreadingHTTPServer) -> None:
    site.pages = {"/secret.txt": (200, {"Content-Type": "text/plain"}, SECRET.encode())}
    job = submit(app, deploy(app, tool()), {"password": {"href": f"{site.url}/secret.txt"}, "code": 3})
    assert finished(app, job)["status"] == "failed"
    assert app.get(f"/jobs/{job}/inputs").json["inputs"]["password"] == "***"
    assert steps_of(app, job).popitem()[1]["log"][0] == "with ***"
    assert WORD not in shown(app, job)


def inner(**more: object) -> dict:
    """The tool as a step, in a document that has its namespaces already."""
    return {key: value for key, value in tool(**more).items() if key != "$namespaces"}


def test_an_input_that_leads_to_a_secret_of_a_step_is_one(app: TestApp) -> None:
    step = {"run": inner(), "in": {"password": "key", "code": "code"}, "out": []}
    process = deploy(app, workflow({"log_in": step}, {"key": "string", "code": "int"}) | {"$namespaces": NAMESPACES})
    assert app.get(f"/processes/{process}").json["inputs"]["key"]["schema"]["writeOnly"] is True
    job = submit(app, process, {"key": SECRET, "code": 3})
    assert finished(app, job)["status"] == "failed"
    assert app.get(f"/jobs/{job}/inputs").json["inputs"]["key"] == "***"
    assert WORD not in shown(app, job)


def test_a_secret_that_a_step_made_is_masked_where_the_next_one_gets_it(app: TestApp) -> None:
    make = {
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {"code": "int"},
        "outputs": {"token": "string"},
        "expression": f"${{return {{token: '{WORD}-' + inputs.code}};}}",
    }
    steps = {
        "make": {"run": make, "in": {"code": "code"}, "out": ["token"]},
        "log_in": {"run": inner(), "in": {"password": "make/token", "code": "code"}, "out": []},
    }
    job = submit(app, deploy(app, workflow(steps) | {"$namespaces": NAMESPACES}), {"numbers": [], "code": 3})
    assert finished(app, job)["status"] == "failed"
    assert steps_of(app, job)["log_in"]["log"][0] == "with ***"
    assert WORD not in shown(app, job)


def test_a_secret_stays_one_when_its_process_is_gone_or_says_otherwise(app: TestApp) -> None:
    process = deploy(app, tool())
    job = submit(app, process, {"password": SECRET})
    finished(app, job)
    put(app, process, tool(hints={}) | {"cwlVersion": "v1.2"}, status=200)
    assert app.get(f"/jobs/{job}/inputs").json["inputs"]["password"] == "***"
    app.delete(f"/processes/{process}", status=204)
    assert app.get(f"/jobs/{job}/inputs").json["inputs"]["password"] == "***"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """A service whose store and cache of steps are looked at."""
    service = make_service(tmp_path_factory.mktemp("secrets"), "jobs.reuse_steps=true")
    application = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    application.service = service
    yield application
    service.stop(ClosePolicy.KILL)


def test_a_step_with_a_secret_is_not_reused(own: TestApp) -> None:
    process = deploy(own, tool(**LENGTH))
    for _ in range(2):
        job = submit(own, process, {"password": SECRET})
        assert finished(own, job, 60)["status"] == "successful"
        assert [step["status"] for step in steps_of(own, job).values()] == ["successful"]
    cache = own.service.settings.step_cache_dir
    assert not cache.exists() or not list(cache.iterdir())


def test_a_schedule_fires_with_a_secret_that_it_does_not_show(own: TestApp) -> None:
    schedule = {"process": deploy(own, tool(**LENGTH)), "cron": RARELY, "inputs": {"password": SECRET}}
    made = own.post_json("/schedules", schedule, status=201).json
    make_due(own, made["id"], datetime.now(UTC))
    job = fired(own, made["id"])["lastJobID"]
    assert finished(own, job, 60)["status"] == "successful"
    assert own.get(f"/jobs/{job}/results/length").text.strip() == str(len(SECRET))
    assert made["inputs"] == {"password": "***"}
    for path in (f"/schedules/{made['id']}", "/schedules", f"/jobs/{job}/inputs"):
        assert WORD not in own.get(path).text


def test_a_description_cannot_make_a_secret_public_but_may_make_one(app: TestApp) -> None:
    process = deploy(app, tool())
    inputs = {"password": {"schema": {"type": "string", "writeOnly": False}}, "code": {"schema": {"writeOnly": True}}}
    changed = patch(app, process, {"inputs": inputs}, query="?dryRun=true").json
    schemas = {name: port["schema"] for name, port in changed["inputs"].items()}
    assert schemas["password"]["writeOnly"] is True
    assert schemas["code"]["writeOnly"] is True


PLUGIN = """
from typing import Annotated
from weaver_like.authoring import Input, process

@process(id="log-in")
def log_in(key: Annotated[str, Input(schema={"type": "string", "writeOnly": True})]) -> str:
    print("with", key)
    raise ValueError("no " + key)
"""


def test_a_python_process_may_have_secrets_too(make_app: Callable[..., TestApp], tmp_path: Path) -> None:
    write(tmp_path / "plugins", {"secretive.py": PLUGIN})
    app = make_app(f"plugins.folders={tmp_path / 'plugins'}")
    job = submit(app, "log-in", {"key": SECRET})
    assert finished(app, job)["status"] == "failed"
    assert app.get(f"/jobs/{job}/inputs").json["inputs"] == {"key": "***"}
    (exception,) = app.get(f"/jobs/{job}/exceptions").json["exceptions"]
    assert exception["detail"] == "ValueError: no ***"
    assert "ValueError: no ***" in exception["traceback"]
    assert "with ***" in app.get(f"/jobs/{job}/logs").text
    assert WORD not in shown(app, job)
