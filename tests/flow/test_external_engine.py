"""Chosen processes run by another CWL engine; the reference implementation's own command stands for any."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.children import Seen, family_of, gone
from tests.support.client import Served, end_of
from tests.support.waiting import wait_until

pytest.importorskip("cwltool")
ENGINE = f"{os.path.relpath(Path(sys.executable).parent)}/cwltool --no-container --preserve-environment PATH"
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "id": "far",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"words": "string[]", "text": "File"},
    "outputs": {
        "said": {"type": "File[]", "outputSource": "say/out"},
        "folder": {"type": "Directory", "outputSource": "copy/out"},
    },
    "steps": {
        "say": {
            "scatter": "word",
            "in": {"word": "words"},
            "out": ["out"],
            "run": {
                "class": "CommandLineTool",
                "baseCommand": "echo",
                "inputs": {"word": {"type": "string", "inputBinding": {}}},
                "outputs": {"out": "stdout"},
                "stdout": "said.txt",
            },
        },
        "copy": {
            "in": {"text": "text"},
            "out": ["out"],
            "run": {
                "class": "CommandLineTool",
                "requirements": {"ShellCommandRequirement": {}},
                "inputs": {"text": "File"},
                "arguments": [{"shellQuote": False, "valueFrom": "mkdir d && cp $(inputs.text.path) d/copy.txt"}],
                "outputs": {"out": {"type": "Directory", "outputBinding": {"glob": "d"}}},
            },
        },
    },
}
FAILING = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "broken",
    "baseCommand": ["ls", "/no-such-thing"],
    "inputs": {},
    "outputs": {},
}
SLOW = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "slow",
    "baseCommand": ["sleep", "600"],
    "inputs": {},
    "outputs": {},
}


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A server that gives three packages to the other engine."""
    server = serve(f"packages.engine={ENGINE}", "packages.engine_processes=far, broken slow", "jobs.cancel_grace_s=5")
    for document in (WORKFLOW, FAILING, SLOW):
        status, answer, _ = server.get("/processes", "POST", document, {"Content-Type": "application/cwl+json"})
        assert status == 201, answer
    return server


def test_a_workflow_runs_there_and_its_results_are_here(served: Served) -> None:
    inputs = {"words": ["a", "b"], "text": {"class": "File", "basename": "t.txt", "contents": "hello"}}
    job_id = served.submit("far", inputs)
    assert end_of(served, job_id, 60)["status"] == "successful"
    _, results, _ = served.get(f"/jobs/{job_id}/results", headers={"Accept": "application/json"})
    assert [item["value"] for item in results["said"]] == ["a\n", "b\n"]
    assert served.get(f"/jobs/{job_id}/results/folder/copy.txt")[1] == b"hello"
    _, log, _ = served.get(f"/jobs/{job_id}/logs")
    assert "[workflow" in json.dumps(log)
    assert "\\u001b" not in json.dumps(log)


def test_a_failure_there_is_told_with_its_last_lines(served: Served) -> None:
    job_id = served.submit("broken")
    assert end_of(served, job_id, 60)["status"] == "failed"
    _, problem, _ = served.get(f"/jobs/{job_id}/results")
    assert "ended with exit code 1" in problem["detail"]
    assert "no-such-thing" in problem["detail"]


def _running(served: Served, words: str) -> list[Seen]:
    return [one for one in family_of(served.process.pid) if words in one.command]


def test_a_dismissal_ends_the_engine_and_what_it_started(served: Served) -> None:
    job_id = served.submit("slow")
    wait_until(lambda: _running(served, "sleep 600"), 30, "the command of the engine")
    seen = _running(served, "sleep 600") + _running(served, " --outdir ")
    assert len(seen) >= 2
    assert served.get(f"/jobs/{job_id}", "DELETE")[0] == 200
    gone(seen, 15)


def test_a_command_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        Served(tmp_path / "data", "packages.engine=no-such-engine", "packages.engine_processes=*").start()
