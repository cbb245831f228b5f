"""Schedules on the command line, as an operator types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import systems
from tests.support.applications import make_service
from tests.support.waiting import wait_until
from weaver_like.engines.base import ClosePolicy

PROGRAM = str(Path(sys.executable).parent / "weaver-like")
RARELY = "0 0 29 2 *"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *words: str, given: str | None = None) -> subprocess.CompletedProcess:
    settings = [
        part for text in ("processes.testing=true", *systems.current[0].settings(data)) for part in ("--set", text)
    ]
    command = [PROGRAM, *words, "--data", str(data), *settings]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)


def added(data: Path, *words: str, given: str | None = None) -> str:
    result = run(data, "schedule", "add", *words, given=given)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_schedules_are_added_listed_and_removed(data: Path, tmp_path: Path) -> None:
    (tmp_path / "inputs.json").write_text('{"name": "Ada"}')
    first = added(
        data,
        "greet",
        "--cron",
        RARELY,
        "--time-zone",
        "Europe/Berlin",
        "--inputs",
        str(tmp_path / "inputs.json"),
        "--title",
        "Good morning",
    )
    second = added(data, "sleep", "--cron", "@yearly", "--inputs", "-", given='{"delay": 1}')
    lines = run(data, "schedules").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[second, "sleep"], [first, "greet"]]
    assert f"{RARELY} Europe/Berlin" in lines[1]
    assert "Good morning" in lines[1]
    (found,) = json.loads(run(data, "schedules", "--process", "greet", "--json").stdout)
    assert (found["id"], found["process"], found["cron"], found["timeZone"], found["inputs"]) == (
        first,
        "greet",
        RARELY,
        "Europe/Berlin",
        {"name": "Ada"},
    )
    assert run(data, "schedule", "remove", second).returncode == 0
    assert [line.split()[0] for line in run(data, "schedules").stdout.splitlines()] == [first]


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (
            ["greet", "--cron", "* 25 * * *", "--time-zone", "x", "--inputs", "-"],
            '{"nam": "x"}',
            ["/cron: hour: expected 0 to 23", "/timeZone: expected a name", "/inputs/name: ", "/inputs/nam: "],
        ),
        (["nope", "--cron", RARELY], None, ["/process: There is no process 'nope'"]),
        (["greet", "--cron", RARELY, "--inputs", "-"], "{", ["not JSON"]),
        (["greet", "--cron", RARELY, "--inputs", "-"], "[]", ["/inputs/name"]),
        (["greet"], None, ["--cron"]),
        (["greet", "--cron", RARELY, "--inputs", "/nowhere"], None, ["/nowhere"]),
    ],
)
def test_a_fault_ends_the_command_and_says_where(
    data: Path, words: list[str], given: str | None, said: list[str]
) -> None:
    result = run(data, "schedule", "add", *words, given=given)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    for words_said in said:
        assert words_said in result.stderr
    assert run(data, "schedules").stdout == ""


def test_a_schedule_that_is_not_there_cannot_be_removed(data: Path) -> None:
    result = run(data, "schedule", "remove", "nope")
    assert (result.returncode, "nope" in result.stderr, "Traceback" in result.stderr) == (1, True, False)


def test_a_running_server_shows_what_was_added_beside_it(data: Path) -> None:
    service = make_service(data)
    try:
        schedule_id = added(data, "greet", "--cron", RARELY, "--inputs", "-", given='{"name": "x"}')
        assert service.runtime.store.schedules.get(schedule_id).execution.inputs["name"].items[0].data == "x"
        run(data, "schedule", "remove", schedule_id)
        wait_until(lambda: service.runtime.store.schedules.next_due() is None, 5)
    finally:
        service.stop(ClosePolicy.KILL)
