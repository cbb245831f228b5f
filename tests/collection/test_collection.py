"""A folder of documents is tried on a real server: each has one line that says what came of it and why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.collection.__main__ import main
from tests.collection.attempt import Finding, Verdict
from tests.collection.entries import find_documents, read_entry
from tests.collection.report import lines
from tests.conformance.cwl.documents import write
from tests.support.client import Served

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
inputs: {text: File, number: {type: int, default: 1}, word: string?}
outputs: {out: stdout}
arguments: [cat, $(inputs.text)]
"""
FLOW = """
cwlVersion: v1.2
class: Workflow
inputs: {text: File}
outputs: {out: {type: File, outputSource: one/out}}
steps: {one: {run: tools/good.cwl, in: {text: text}, out: [out]}}
"""
DOCKER = "requirements: {DockerRequirement: {dockerPull: example.org/none}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every kind of document that a collection has."""
    file = "text: {class: File, path: data/text.txt}\n"
    return write(
        tmp_path / "moved",
        data__text_txt="some text\n",
        tools__data__text_txt="more text\n",
        tools__good_cwl=TOOL,
        tools__good_yml=file,
        tools__failing_cwl=TOOL.replace("cat,", "'false',"),
        tools__failing_json='{"text": {"class": "File", "location": "data/text.txt"}}',
        tools__unfit_cwl=TOOL,
        tools__unfit_yml="text: 3\n",
        tools__lost_cwl=TOOL,
        tools__lost_yml="text: {class: File, path: ../../../elsewhere}\n",
        lone__alone_cwl=TOOL,
        shared_cwl=TOOL,
        broken_cwl=TOOL.replace("File", "Fil"),
        unreadable_cwl="class: [\n",
        needs_cwl=TOOL + DOCKER,
        flow_cwl=FLOW,
        job_yml=file,
        outside_cwl=FLOW.replace("tools/good.cwl", "../secret.cwl"),
    )


def test_each_document_has_a_line_and_the_end_counts_them_by_reason(
    folder: Path, serve: Callable[..., Served], capsys: pytest.CaptureFixture
) -> None:
    (folder.parent / "secret.cwl").write_text(TOOL)
    server = serve("sandbox.kind=bubblewrap", "log.level=ERROR")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main([str(folder), "--url", server.url, "--verbose"]) == 0
    printed = capsys.readouterr().out
    found = {line.split()[1].rstrip(":"): line for line in printed.splitlines() if ".cwl" in line}
    assert "container" in found.pop("needs.cwl"), "refused, or not executed: as there is an engine here"
    expected = {
        "flow.cwl": ("PASSED", ""),
        "tools/good.cwl": ("PASSED", ""),
        "tools/failing.cwl": ("FAILED", "exit code 1"),
        "tools/unfit.cwl": ("FAILED", "the job was refused"),
        "tools/lost.cwl": ("FAILED", "its job lost.yml cannot be sent"),
        "lone/alone.cwl": ("ACCEPTED", "no job file"),
        "shared.cwl": ("PASSED", ""),
        "broken.cwl": ("REFUSED", "'Fil'"),
        "unreadable.cwl": ("REFUSED", "neither JSON nor YAML"),
        "outside.cwl": ("REFUSED", "secret.cwl"),
    }
    assert {name: line.split()[0] for name, line in found.items()} == {
        name: verdict for name, (verdict, _) in expected.items()
    }, printed
    for name, (_, reason) in expected.items():
        assert reason in found[name]
    last = printed.splitlines()[-1]
    assert last.startswith("11 documents: 0 error, ")
    assert ", 3 failed, " in last
    assert last.endswith(", 3 passed")
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}, "nothing is written there"
    assert not [entry for entry in server.get("/processes?limit=1000")[1]["processes"] if ".cwl" in entry["id"]]


def test_a_server_that_does_not_answer_is_an_error(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(folder), "--url", "http://127.0.0.1:9"]) == 1
    assert "11 documents: 11 error" in capsys.readouterr().out


def test_what_is_no_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "absent")])
    assert "expected a folder" in capsys.readouterr().err


JOB = "{text: abc, other: 1}"
#: Files beside x.cwl -> the one that is its job.
JOBS = {
    "nothing": ({}, None),
    "the same name": ({"x.yml": JOB}, "x.yml"),
    "a longer name": ({"x-job.json": '{"text": "a"}'}, "x-job.json"),
    "the shortest of several": ({"x_job_2.yaml": JOB, "x.job.yml": JOB}, "x.job.yml"),
    "the kind first": ({"job-x.yml": JOB}, "job-x.yml"),
    "in a folder of tests": ({"tests/x_t1.json": JOB}, "tests/x_t1.json"),
    "of a document with a longer name": ({"x_2.cwl": TOOL, "x_2_job.yml": JOB}, None),
    "of another document": ({"xy.yml": JOB}, None),
    "no job": ({"x.yml": "[1]", "x.json": "{", "x.yaml": "{version: 3}"}, None),
    "shared, and whole": ({"job.yml": "{text: abc, word: a}"}, "job.yml"),
    "shared, with more than it takes": ({"job.yml": JOB}, None),
    "shared, with less than it needs": ({"inputs.json": "{word: a}"}, None),
    "its own before a shared one": ({"job.yml": "{text: abc}", "jobs/x.yml": JOB}, "jobs/x.yml"),
}


@pytest.mark.parametrize("case", JOBS)
def test_the_job_of_a_document(tmp_path: Path, case: str) -> None:
    files, expected = JOBS[case]
    for name, text in {"x.cwl": TOOL, **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    job = read_entry(tmp_path / "x.cwl", tmp_path).job
    assert (job and job.relative_to(tmp_path).as_posix()) == expected


def test_hidden_folders_and_other_files_are_left_out(tmp_path: Path) -> None:
    for name in ("a.cwl", "b/c.cwl", ".git/d.cwl", "b/.e.cwl", "f.cwl.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TOOL)
    assert find_documents(tmp_path) == [tmp_path / "a.cwl", tmp_path / "b/c.cwl"]


def test_reasons_are_counted_without_what_is_their_own() -> None:
    findings = [
        Finding(
            "a.cwl", Verdict.REFUSED, "400 a.cwl:3:1: type is 'x', but there is nothing of that name; known are\nint"
        ),
        Finding("b.cwl", Verdict.PASSED),
        Finding("c.cwl", Verdict.REFUSED, "400 d/c.cwl:33:10: type is 'y', but there is nothing of that name."),
        Finding("e.cwl", Verdict.ACCEPTED, "no job file beside it"),
    ]
    assert list(lines(findings)) == [
        "REFUSED  a.cwl: 400 a.cwl:3:1: type is 'x', but there is nothing of that name; known are int",
        "REFUSED  c.cwl: 400 d/c.cwl:33:10: type is 'y', but there is nothing of that name.",
        "",
        "     2 refused  * * type is *, but there is nothing of that name",
        "     1 accepted no job file beside it",
        "     1 passed",
        "4 documents: 0 error, 2 refused, 0 failed, 1 accepted, 1 passed",
    ]
