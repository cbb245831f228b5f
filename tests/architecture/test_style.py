"""The look of every file, and one name for one thing."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, PACKAGE, ROOT, TESTS, name_of, parse

MAX_COLUMNS = 120
CHECKOUT = ROOT.parent


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=name_of)
def test_lines_are_short(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    long = [number for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
    assert not long, f"{path}: lines {long} have more than {MAX_COLUMNS} columns"


def test_every_file_is_formatted() -> None:
    ruff = Path(sys.executable).parent / "ruff"
    command = [ruff, "format", "--check", "--no-cache", PACKAGE, "tests", "docs", "setup.py"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, f"run ruff format: {done.stdout}{done.stderr}"


def test_no_public_class_name_occurs_twice() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{name_of(path)}:{node.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice, f"one thing, one name: {twice}"
