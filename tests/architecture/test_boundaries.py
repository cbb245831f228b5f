"""Where one room ends and another begins."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, imports, name_of, parse, room_of

FACES = [path for path in MODULES if room_of(path) == "faces"]
#: Rooms and attributes that faces reach through `services` only.
BEHIND_SERVICES = {
    *("stores", "engines", "sources", "runners", "fetchers", "notify"),
    *("sandbox", "processes", "files", "runtime", "wiring"),
}
PARTS_OF_RUNTIME = {"runtime", "store", "catalog", "area", "engine", "runners", "deployer"}


@pytest.mark.parametrize("path", FACES, ids=name_of)
def test_faces_reach_services_only(path: Path) -> None:
    for name in imports(path):
        room = name.split(".")[1]
        assert room not in BEHIND_SERVICES, f"{path}: a face asks services, not {name}"
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in PARTS_OF_RUNTIME, f"{path}:{node.lineno}: a face asks services, not .{node.attr}"
