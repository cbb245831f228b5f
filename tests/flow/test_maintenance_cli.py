"""Commands of an operator besides `serve`: migrate, sweep, plugins, settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import systems

PROGRAM = str(Path(sys.executable).parent / "weaver-like")


def run(data: Path, *words: str) -> subprocess.CompletedProcess:
    settings = [part for text in systems.current[0].settings(data) for part in ("--set", text)]
    command = [PROGRAM, *words, "--data", str(data), *settings]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_store_is_migrated_once_and_swept(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").stdout.startswith("applied: 1")
    assert run(tmp_path, "migrate").stdout == "applied: none\n"
    assert run(tmp_path, "sweep").stdout == "removed: 0\n"


def test_plugins_are_listed_with_their_processes_or_errors(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "good.py").write_text(
        "from weaver_like.authoring import process\n\n@process()\ndef good() -> str:\n    return 'x'\n"
    )
    assert (run(tmp_path, "plugins").stdout, run(tmp_path, "plugins").returncode) == ("good: good\n", 0)
    (folder / "bad.py").write_text("import nothing_of_that_name\n")
    broken = run(tmp_path, "plugins", "--json")
    bad, good = json.loads(broken.stdout)
    assert broken.returncode == 1
    assert (good["name"], good["processes"], good["error"]) == ("good", ["good"], None)
    assert (bad["name"], bad["processes"]) == ("bad", [])
    assert "nothing_of_that_name" in bad["error"]
    assert "nothing_of_that_name" in bad["traceback"]


@pytest.mark.parametrize("command", ["serve", "migrate", "sweep", "plugins", "schedules", "worker"])
def test_a_bad_setting_ends_every_command_with_one_line(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command, "--set", "jobs.keep_days=long")
    assert ended.returncode == 1
    assert ended.stderr == "Error: Setting 'jobs.keep_days': expected a number, got 'long'.\n"


def test_a_store_that_cannot_be_opened_ends_the_command_without_a_traceback(tmp_path: Path) -> None:
    for command in ("migrate", "sweep", "schedules"):
        ended = run(tmp_path, command, "--set", "store.url=nonsense")
        assert ended.returncode == 1
        assert ended.stderr.startswith("Error: ")
        assert "store.url" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_every_setting_is_listed() -> None:
    listed = subprocess.run([PROGRAM, "settings"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "engine.kind = embedded\n    What runs jobs: embedded" in listed
    assert "processes.testing = false\n" in listed
