"""The driver's verdicts on a suite of a few tests, against a real server."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.cwl.__main__ import line, select, totals
from tests.conformance.cwl.driver import Driver
from tests.conformance.cwl.inputs import Dress, serve_files
from tests.conformance.cwl.server import Server
from tests.conformance.cwl.suite import DOCKER_VARIABLE, Case, read_suite
from tests.support.client import Served

TEXT = "some lines\n"
#: Writes a text twice to `out.txt`, and says how long it is.
TOOL = """
cwlVersion: v1.2
class: CommandLineTool
inputs:
  text: string
  again: {type: File, default: {class: File, location: data/again.txt}}
outputs:
  out: {type: File, outputBinding: {glob: out.txt}}
  text: {type: string, outputBinding: {outputEval: $(inputs.text)}}
stdout: out.txt
arguments: [cat, $(inputs.again), $(inputs.again)]
"""
WORKFLOW = """
cwlVersion: v1.2
$graph:
- {id: main, class: Workflow, inputs: [], outputs: [], steps: []}
- id: other
  class: Workflow
  inputs: {text: string}
  outputs: {out: {type: File, outputSource: one/out}}
  steps: {one: {run: tool.cwl, in: {text: text}, out: [out]}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> dict[str, Case]:
    folder = tmp_path / "suite"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "again.txt").write_text(TEXT)
    (folder / "tool.cwl").write_text(TOOL)
    (folder / "graph.cwl").write_text(WORKFLOW)
    (folder / "broken.cwl").write_text("cwlVersion: v1.2\nclass: CommandLineTool\ninputs: 3\n")
    (folder / "docker.cwl").write_text(TOOL + "requirements: {DockerRequirement: {dockerPull: nothing}}\n")
    (folder / "job.json").write_text('{"text": "abc", "unknown": 1}')
    checksum = f"sha1${hashlib.sha1((TEXT * 2).encode()).hexdigest()}"
    file = f"{{class: File, location: out.txt, size: {len(TEXT) * 2}, checksum: {checksum}}}"
    (folder / "conformance_tests.yaml").write_text(f"""
- {{id: right, tool: tool.cwl, job: job.json, output: {{out: {file}, text: abc}}, tags: [required]}}
- {{id: named, tool: graph.cwl#other, job: job.json, output: {{out: {file}}}}}
- {{id: wrong-text, tool: tool.cwl, job: job.json, output: {{out: Any, text: abd}}}}
- {{id: wrong-name, tool: tool.cwl, job: job.json, output: {{out: {{class: File, location: other.txt}}, text: abc}}}}
- {{id: nothing, tool: graph.cwl, output: {{}}}}
- {{id: no-input, tool: tool.cwl, should_fail: true}}
- {{id: not-valid, tool: broken.cwl, should_fail: true}}
- {{id: no-failure, tool: tool.cwl, job: job.json, should_fail: true}}
- {{id: refused, tool: broken.cwl, output: {{}}, tags: [required]}}
- {{id: container, tool: docker.cwl, job: job.json, output: {{}}}}
""")
    return {case.id: case for case in read_suite(folder)}


@pytest.fixture
def driver(tmp_path: Path, suite: dict[str, Case], serve: Callable[..., Served]) -> Iterator[Driver]:
    with serve_files(tmp_path / "suite") as url:
        yield Driver(Server(serve("log.level=ERROR").url), tmp_path / "suite", url)


@pytest.mark.parametrize("dress", Dress)
def test_each_verdict_has_its_reason(driver: Driver, suite: dict[str, Case], dress: Dress) -> None:
    driver = replace(driver, dress=dress)
    outcomes = {name: driver.run(case) for name, case in suite.items()}
    assert {name: outcome.verdict for name, outcome in outcomes.items()} == {
        "right": "passed",
        "named": "passed",
        "wrong-text": "failed",
        "wrong-name": "failed",
        "nothing": "passed",
        "no-input": "passed",
        "not-valid": "passed",
        "no-failure": "failed",
        "refused": "failed",
        "container": "skipped",
    }, outcomes
    for name, text in {
        "wrong-text": "'abd' is expected, 'abc' came",
        "wrong-name": "other.txt",
        "no-failure": "it should fail",
        "refused": "400",
        "container": DOCKER_VARIABLE,
        "no-input": "text",
    }.items():
        assert text in outcomes[name].reason
    assert totals("all", list(outcomes.values())) == "all:      5 passed, 4 failed, 1 skipped, 0 known of 10"
    assert line(outcomes["wrong-text"]).startswith("FAILED  wrong-text (")
    left = {entry["id"] for entry in driver.server.get_json("/processes?limit=1000")["processes"]}
    assert not [id for id in left if id.startswith(tuple(suite))], "what was deployed for a test is removed"


def test_a_known_test_that_passes_is_a_failure(driver: Driver, suite: dict[str, Case]) -> None:
    driver = replace(driver, known={"right": "it cannot be", "refused": "nobody runs this"})
    assert driver.run(suite["right"]).verdict == "failed"
    outcome = driver.run(suite["refused"])
    assert (outcome.verdict, outcome.reason) == ("known", "nobody runs this")


def test_a_test_with_a_container_is_attempted_if_that_is_wanted(driver: Driver, suite: dict[str, Case]) -> None:
    assert replace(driver, with_docker=True).run(suite["container"]).verdict == "failed", (
        "its image is to be had nowhere"
    )


def test_a_server_that_is_away_fails_a_test_that_should_fail(driver: Driver, suite: dict[str, Case]) -> None:
    away = Driver(Server("http://127.0.0.1:9"), driver.suite, driver.files_url)
    assert away.run(suite["no-input"]).verdict == "failed"


def test_tests_are_chosen_by_id_and_tag(suite: dict[str, Case]) -> None:
    cases = list(suite.values())
    assert [case.id for case in select(cases, [], "")] == list(suite)
    assert [case.id for case in select(cases, [], "required, none")] == ["right", "refused"]
    assert [case.id for case in select(cases, ["wrong-name", "refused"], "required")] == ["refused"]
    with pytest.raises(SystemExit, match="absent"):
        select(cases, ["right", "absent"], "")
