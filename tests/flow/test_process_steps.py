"""Steps of workflows that run processes of this server: each is a job of its own, which another job waits for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit, successful
from tests.support.packages import deploy as send
from tests.support.packages import fresh, put, shout
from tests.support.waiting import wait_until
from tests.support.workflows import deploy, sh, steps_of, workflow

CAT = {
    "class": "CommandLineTool",
    "baseCommand": "cat",
    "inputs": {"files": {"type": {"type": "array", "items": "File"}, "inputBinding": {}}},
    "outputs": {"out": "stdout"},
    "stdout": "cat.txt",
}
LIST = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", 'cd "$0" && cat top.txt inner/deep.txt'],
    "inputs": {"folder": {"type": "Directory", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
    "stdout": "list.txt",
}
FOLDER = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", "mkdir -p d/inner; echo top > d/top.txt; echo deep > d/inner/deep.txt"],
    "inputs": {},
    "outputs": {"out": {"type": "Directory", "outputBinding": {"glob": "d"}}},
}
TOOLS = {"CAT": CAT, "LIST": LIST, "FOLDER": FOLDER}


def one_step(run: object, given: dict[str, str], outputs: dict[str, str]) -> dict:
    """A workflow of one step, whose inputs and outputs are its own."""
    return workflow(
        {"only": {"run": run, "in": {name: name for name in given}, "out": list(outputs)}},
        given,
        {name: {"type": kind, "outputSource": f"only/{name}"} for name, kind in outputs.items()},
    )


def results(app: TestApp, process: str, inputs: dict) -> dict:
    job_id = successful(app, process, inputs)
    return app.get(f"/jobs/{job_id}/results?f=json").json


def text_of(app: TestApp, process: str, inputs: dict | None = None) -> str:
    return app.get(f"/jobs/{successful(app, process, inputs)}/results/out").text


def reason_of(app: TestApp, job_id: str) -> str:
    return app.get(f"/jobs/{job_id}/exceptions").json["exceptions"][0]["detail"]


@pytest.mark.parametrize(
    ("run", "given", "kind", "value"),
    [
        ("greet", "name", "greeting", "Hello Ann"),
        ("http://localhost/processes/greet", "name", "greeting", "Hello Ann"),
        ("{shout}", "text", "said", "Ann!"),
        ("{shout}:1.0.0", "text", "said", "Ann!"),
        ("http://localhost/processes/{shout}:1.0.0", "text", "said", "Ann!"),
    ],
    ids=["id", "URL", "package", "version", "URL of a version"],
)
def test_a_step_may_run_a_process_of_this_server(app: TestApp, run: str, given: str, kind: str, value: str) -> None:
    name = fresh("shout")
    send(app, shout(name), status=201)
    flow = deploy(app, one_step(run.format(shout=name), {given: "string"}, {kind: "string"}))
    assert results(app, flow, {given: "Ann"})[kind] == value


def test_a_step_that_runs_a_process_is_a_job_with_a_record_and_a_log_of_its_own(app: TestApp) -> None:
    job_id = successful(
        app, deploy(app, one_step("greet", {"name": "string"}, {"greeting": "string"})), {"name": "Ann"}
    )
    step = steps_of(app, job_id)["only"]
    child = app.get(f"/jobs/{step['jobID']}").json
    assert (step["status"], child["processID"], child["status"]) == ("successful", "greet", "successful")
    assert app.get(f"/jobs/{step['jobID']}/inputs").json["inputs"] == {"name": "Ann"}
    assert any("successful after" in line["message"] for line in app.get(f"/jobs/{step['jobID']}/logs").json["logs"])


LITERALS = {"message": "string", "number": "double?", "flag": "boolean?", "list": "int[]?", "choice": "string?"}


def test_literals_go_in_and_come_out_as_they_are(app: TestApp) -> None:
    given = {"message": "ü 'x'", "number": 2.5, "flag": False, "list": [3, 1, 2], "choice": "b"}
    flow = deploy(app, one_step("echo", LITERALS, LITERALS))
    assert results(app, flow, given) == given
    assert results(app, flow, {"message": "m"}) == {"message": "m"}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            {
                "make": {"run": sh("echo made"), "in": {"x": {"default": 1}}, "out": ["out"]},
                "only": {"run": "echo-complex", "in": {"complexInput": "make/out"}, "out": ["complexOutput"]},
                "last": {
                    "run": CAT,
                    "in": {"files": {"source": ["only/complexOutput"], "linkMerge": "merge_nested"}},
                    "out": ["out"],
                },
            },
            "made\n",
        ),
        (
            {
                "make": {
                    "run": sh("echo made $0"),
                    "scatter": "x",
                    "in": {"x": {"default": [1, 2]}},
                    "out": ["out"],
                },
                "last": {"run": "CAT", "in": {"files": "make/out"}, "out": ["out"]},
            },
            "made 1\nmade 2\n",
        ),
        (
            {
                "make": {"run": "FOLDER", "in": {}, "out": ["out"]},
                "last": {"run": "LIST", "in": {"folder": "make/out"}, "out": ["out"]},
            },
            "top\ndeep\n",
        ),
    ],
    ids=["a file", "an array of files", "a folder"],
)
def test_files_go_from_step_to_step(app: TestApp, steps: dict, words: str) -> None:
    offered = {name: deploy(app, tool) for name, tool in TOOLS.items()}
    named = {name: step | {"run": offered.get(str(step["run"]), step["run"])} for name, step in steps.items()}
    flow = workflow(named, {"none": "string?"}, {"out": {"type": "File", "outputSource": "last/out"}})
    assert text_of(app, deploy(app, flow)) == words


def test_a_file_goes_in_and_comes_out_without_a_copy(app: TestApp, service: object) -> None:
    flow = workflow(
        {
            "make": {"run": sh("echo made"), "in": {"x": "code"}, "out": ["out"]},
            "only": {"run": deploy(app, CAT), "in": {"files": {"source": ["make/out"]}}, "out": ["out"]},
        },
        {"code": "int"},
        {"out": {"type": "File", "outputSource": "only/out"}, "made": {"type": "File", "outputSource": "make/out"}},
    )
    job_id = successful(app, deploy(app, flow), {"code": 1})
    child = steps_of(app, job_id)["only"]["jobID"]
    outputs: Path = service.settings.outputs_dir

    def file(job: str, output: str) -> Path:
        (found,) = (outputs / job / output).iterdir()
        return found

    assert os.path.samefile(file(child, "out"), file(job_id, "out"))
    assert os.path.samefile(file(job_id, "files"), file(job_id, "made"))
    (given,) = app.get(f"/jobs/{child}/inputs").json["inputs"]["files"]
    assert app.get(given["href"]).text == "made\n"


def test_a_process_of_a_plugin_takes_and_gives_files_of_steps(make_app: Callable, plugins: Path) -> None:
    app = make_app(f"plugins.folders={plugins}")
    flow = workflow(
        {
            "make": {"run": "make", "in": {"size": {"default": 20}}, "out": ["output"]},
            "only": {"run": "copy", "in": {"data": "make/output"}, "out": ["output"]},
        },
        {"none": "string?"},
        {"out": {"type": "File", "outputSource": "only/output"}},
    )
    assert text_of(app, deploy(app, flow)) == "0123456789" * 2


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ({"run": "nobody", "in": {}, "out": []}, "the package has no such file, and this server no such process"),
        ({"run": "greet:9", "in": {}, "out": []}, "the package has no such file, and this server no such process"),
        (
            {"run": "http://localhost/processes/nobody", "in": {}, "out": []},
            "'http://localhost/processes/nobody' is no process of this server",
        ),
        ({"run": "greet", "in": {}, "out": []}, "missing required parameter 'name'"),
        ({"run": "greet", "in": {"name": "text"}, "out": ["words"]}, "expected 'greeting'"),
        ({"run": "greet", "in": {"name": "number"}, "out": []}, "is incompatible"),
    ],
    ids=["unknown", "unknown version", "unknown URL", "an input is missing", "no such output", "another type"],
)
def test_a_step_is_checked_against_the_description_of_its_process(app: TestApp, step: dict, fault: str) -> None:
    document = {"cwlVersion": "v1.2", "id": fresh()} | workflow({"only": step}, {"text": "string", "number": "int"})
    assert fault in send(app, document, status=400).json["detail"]


def test_a_process_that_runs_itself_is_refused(app: TestApp) -> None:
    name = fresh()
    send(app, shout(name), status=201)
    step = one_step(name, {"text": "string"}, {"said": "string"})
    outer = deploy(app, step)
    again = {"cwlVersion": "v1.2", "id": name} | one_step(outer, {"text": "string"}, {"said": "string"})
    for document in (again, again | step):
        assert "refers to itself" in put(app, name, document, status=400).json["detail"]


def test_a_step_keeps_to_the_version_that_was_checked(app: TestApp) -> None:
    name = fresh()
    send(app, shout(name, "!"), status=201)
    flow = deploy(app, one_step(name, {"text": "string"}, {"said": "string"}))
    put(app, name, shout(name, "?"), status=200)
    assert results(app, flow, {"text": "hi"}) == {"said": "hi!"}
    app.delete(f"/processes/{name}", status=204)
    send(app, shout(name, "#"), status=201)
    job_id = submit(app, flow, {"text": "hi"})
    assert finished(app, job_id)["status"] == "failed"
    assert f"version 1.0.0 of the process '{name}' was removed" in reason_of(app, job_id)


def test_one_worker_is_enough_for_workflows_of_workflows(make_app: Callable) -> None:
    app = make_app("engine.workers=1")
    inner = deploy(app, one_step("greet", {"name": "string"}, {"greeting": "string"}))
    middle = deploy(app, one_step(inner, {"name": "string"}, {"greeting": "string"}))
    many = one_step(middle, {"name": "string[]"}, {"greeting": "string[]"})
    many["steps"]["only"]["scatter"] = "name"
    job_id = submit(app, deploy(app, many), {"name": ["Ann", "Bob"]})
    assert finished(app, job_id, 60)["status"] == "successful"
    assert app.get(f"/jobs/{job_id}/results?f=json").json == {"greeting": ["Hello Ann", "Hello Bob"]}


def test_a_step_whose_process_fails_says_why(app: TestApp) -> None:
    job_id = submit(app, deploy(app, one_step("fail", {"message": "string"}, {})), {"message": "no such band"})
    assert finished(app, job_id)["status"] == "failed"
    step = steps_of(app, job_id)["only"]
    assert step["status"] == "failed"
    assert f"The process 'fail' failed: job {step['jobID']}: " in reason_of(app, job_id)
    assert "no such band" in reason_of(app, job_id)


def test_inputs_that_the_process_refuses_fail_the_step(app: TestApp) -> None:
    job_id = submit(app, deploy(app, one_step("echo", LITERALS, {})), {"message": "m", "choice": "z"})
    assert finished(app, job_id)["status"] == "failed"
    assert "/inputs/choice" in reason_of(app, job_id)


SLEEPS = {"run": "sleep", "in": {"delay": "delay"}, "out": ["output"]}


def running_child(app: TestApp, job_id: str, name: str) -> str:
    def found() -> str | None:
        child = steps_of(app, job_id).get(name, {}).get("jobID")
        is_running = child and app.get(f"/jobs/{child}", status="*").json["status"] == "running"
        return child if is_running else None

    return wait_until(found, 60, "the job of the step")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_dismissed_job_dismisses_those_that_are_its_steps(make_app: Callable, workers: int) -> None:
    app = make_app(f"engine.workers={workers}", "jobs.cancel_grace_s=2")
    inner = deploy(app, workflow({"sleep": SLEEPS}, {"delay": "double"}))
    flow = deploy(app, workflow({"inner": {"run": inner, "in": {"delay": "delay"}, "out": []}}, {"delay": "double"}))
    job_id = submit(app, flow, {"delay": 60})
    child = running_child(app, job_id, "inner")
    grandchild = running_child(app, child, "sleep")
    app.delete(f"/jobs/{job_id}", status=200)
    assert [app.get(f"/jobs/{one}").json["status"] for one in (child, grandchild)] == ["dismissed"] * 2
    assert finished(app, submit(app, "greet", {"name": "x"}))["status"] == "successful"


def test_a_dismissed_step_fails_its_workflow(make_app: Callable) -> None:
    app = make_app("engine.workers=1", "jobs.cancel_grace_s=2")
    job_id = submit(app, deploy(app, workflow({"sleep": SLEEPS}, {"delay": "double"})), {"delay": 60})
    app.delete(f"/jobs/{running_child(app, job_id, 'sleep')}", status=200)
    assert finished(app, job_id)["status"] == "failed"
    assert "it was dismissed" in reason_of(app, job_id)
