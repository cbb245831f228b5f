"""Steps that were successful are not run again, where that was asked for."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.workflows import deploy, sh, steps_of, workflow
from weaver_like.files.stepcache import StepCache

STAMP = "cat $0 2>/dev/null; date +%s%N"
FILE = {"x": {"type": "File", "inputBinding": {}}}


def resumable(**first: object) -> dict:
    """A first step that says when it ran, and a second one that fails if it is told to."""
    return workflow(
        {
            "stamp": {"run": sh(STAMP, inputs=FILE, **first), "in": {"x": "data"}, "out": ["out"]},
            "check": {"run": sh("exit $0"), "in": {"x": "code", "after": "stamp/out"}, "out": ["out"]},
        },
        {"data": "File", "code": "int"},
        {"stamped": {"type": "File", "outputSource": "stamp/out"}},
    )


@pytest.fixture
def installation(make_app: Callable[..., TestApp]) -> TestApp:
    return make_app()


def run(app: TestApp, name: str, text: str, code: int, **body: object) -> tuple[dict[str, str], str]:
    """The statuses of the steps, and what the first one said, if the job was successful."""
    job_id = submit(app, name, {"data": {"class": "File", "contents": text}, "code": code}, **body)
    status = finished(app, job_id)["status"]
    assert status == ("failed" if code else "successful")
    said = "" if code else app.get(f"/jobs/{job_id}/results/stamped").text
    return {step: entry["status"] for step, entry in steps_of(app, job_id).items()}, said


def test_a_run_resumes_from_the_step_that_failed(installation: TestApp) -> None:
    name = deploy(installation, resumable())
    assert run(installation, name, "a", 1, reuse=True)[0] == {"check": "failed", "stamp": "successful"}
    between = time.time_ns()
    statuses, said = run(installation, name, "a", 0, reuse=True)
    assert statuses == {"check": "successful", "stamp": "reused"}
    assert int(said.removeprefix("a")) < between
    assert run(installation, name, "a", 0, reuse=True) == ({"check": "reused", "stamp": "reused"}, said)


def test_other_content_is_other_work_whatever_its_name(installation: TestApp) -> None:
    name = deploy(installation, resumable())
    run(installation, name, "a", 0, reuse=True)
    statuses, said = run(installation, name, "b", 0, reuse=True)
    assert statuses["stamp"] == "successful"
    assert said.startswith("b")


def test_nothing_is_reused_unless_it_was_asked_for(installation: TestApp) -> None:
    name = deploy(installation, resumable())
    _, first = run(installation, name, "a", 0, reuse=True)
    statuses, second = run(installation, name, "a", 0)
    assert (statuses["stamp"], second != first) == ("successful", True)
    folder = installation.service.settings.step_cache_dir
    assert len(list(folder.iterdir())) == 2


def test_the_setting_asks_for_every_job(make_app: Callable[..., TestApp]) -> None:
    app = make_app("jobs.reuse_steps=true")
    name = deploy(app, resumable())
    _, first = run(app, name, "a", 0)
    assert run(app, name, "a", 0) == ({"check": "reused", "stamp": "reused"}, first)


def test_a_tool_that_forbids_it_is_run_again(installation: TestApp) -> None:
    name = deploy(
        installation, resumable(requirements={"WorkReuse": {"enableReuse": False}, "InlineJavascriptRequirement": {}})
    )
    _, first = run(installation, name, "a", 0, reuse=True)
    statuses, second = run(installation, name, "a", 0, reuse=True)
    assert (statuses["stamp"], second != first) == ("successful", True)


def test_another_process_with_the_same_tool_reuses_its_work(installation: TestApp) -> None:
    _, first = run(installation, deploy(installation, resumable()), "a", 0, reuse=True)
    assert run(installation, deploy(installation, resumable()), "a", 0, reuse=True) == (
        {"check": "reused", "stamp": "reused"},
        first,
    )
    other = resumable(arguments=["unused"])
    assert run(installation, deploy(installation, other), "a", 0, reuse=True)[0]["stamp"] == "successful"


def test_a_link_that_leads_out_of_the_job_is_not_copied(installation: TestApp, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    document = sh(f"ln -s {tmp_path}/secret link; echo")
    assert (
        finished(installation, submit(installation, deploy(installation, document), {"x": 1}, reuse=True))["status"]
        == "successful"
    )
    folder = installation.service.settings.step_cache_dir
    assert not any(b"secret" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_link_that_may_not_be_followed_keeps_an_entry_out(tmp_path: Path) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(path)

    source = fill(tmp_path, "source", 1)
    (source / "link").symlink_to("/etc/passwd")
    with pytest.raises(PermissionError):
        StepCache(tmp_path / "cache", 10**6).put("a", source, 0, refuse)
    assert list((tmp_path / "cache").iterdir()) == []


def fill(folder: Path, name: str, size_bytes: int) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "out").write_bytes(b"x" * size_bytes)
    return folder / name


def test_what_was_not_used_longest_makes_room(tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", 100)
    for age, name in ((300, "a"), (200, "b"), (100, "c")):
        cache.put(name, fill(tmp_path, f"source {name}", 30), 0, str)
        os.utime(tmp_path / "cache" / name, (time.time() - age,) * 2)
    assert cache.get("a", tmp_path / "copy") == 0  # it is the newest now
    cache.put("d", fill(tmp_path, "source d", 40), 3, str)
    cache.put("large", fill(tmp_path, "source large", 101), 0, str)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["a", "c", "d"]
    assert cache.get("b", tmp_path / "none") is None
    assert cache.get("d", tmp_path / "other") == 3
    assert (tmp_path / "other" / "out").stat().st_size == 40


def test_what_nobody_uses_is_swept_by_its_age(tmp_path: Path) -> None:
    cache = StepCache(tmp_path / "cache", 100)
    assert cache.sweep(1) == 0
    for name in ("old", "new"):
        cache.put(name, fill(tmp_path, f"source {name}", 1), 0, str)
    os.utime(tmp_path / "cache" / "old", (time.time() - 2 * 86400,) * 2)
    assert cache.sweep(3) == 0
    assert cache.sweep(1) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["new"]
