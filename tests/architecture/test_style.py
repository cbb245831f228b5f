"""The look of every file, and one name for one thing."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.architecture.source import MODULES, PACKAGE, ROOT, name_of, parse

CHECKOUT = ROOT.parent


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
