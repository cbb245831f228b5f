"""A job ends when its result is there, though its child has not ended; what was promised of its end holds."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.plugin_makers import source
from tests.support.waiting import wait_until


@pytest.fixture
def ending(make_app: Callable, tmp_path: Path) -> TestApp:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "ends.py").write_text(source("ends"))
    return make_app(f"plugins.folders={tmp_path / 'plugins'}", "engine.workers=1")


def test_whatever_was_printed_is_in_the_log_at_the_end(ending: TestApp) -> None:
    for _ in range(10):
        job_id = submit(ending, "prints-last", {"lines": 300})
        assert finished(ending, job_id)["status"] == "successful"
        messages = [entry["message"] for entry in ending.get(f"/jobs/{job_id}/logs", {"limit": 1000}).json["logs"]]
        printed = [message for message in messages if message.startswith(("line", "the last"))]
        assert printed == [*(f"line {number}" for number in range(300)), "the last words"]


def test_a_process_that_a_job_leaves_changes_no_result_and_ends(ending: TestApp) -> None:
    job_id = submit(ending, "leaves-process", response="document")
    assert finished(ending, job_id)["status"] == "successful"
    results = ending.get(f"/jobs/{job_id}/results").json
    assert not psutil.pid_exists(results["pid"])
    assert results["file"]["value"] == "early"


def test_a_thread_that_a_job_leaves_writes_no_further_than_the_result(ending: TestApp) -> None:
    job_id = submit(ending, "leaves-thread")
    assert finished(ending, job_id)["status"] == "successful"
    answer = ending.get(f"/jobs/{job_id}/results")
    assert len(answer.body) == answer.content_length
    assert set(answer.body) == {ord("x")}


def test_statistics_count_what_the_job_and_its_processes_used(ending: TestApp) -> None:
    job_id = submit(ending, "works-hard", {"seconds": 0.6})
    assert finished(ending, job_id)["status"] == "successful"
    statistics = ending.get(f"/jobs/{job_id}/statistics").json
    assert 0.6 <= statistics["cpuSeconds"] < 3


def test_the_folder_of_a_job_is_cleared_soon_after_its_end(ending: TestApp, tmp_path: Path) -> None:
    job_id = submit(ending, "prints-last", {"lines": 1})
    assert finished(ending, job_id)["status"] == "successful"
    folders = ending.service.runtime.settings.work_dir
    wait_until(lambda: not any(job_id in path.name for path in folders.iterdir()), 5, "the end of the folder")
