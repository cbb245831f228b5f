"""The building rules, checked: one-way imports, small files, small functions, one home for each library, no mocks."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, PACKAGE, ROOT, TESTS, imports, libraries, name_of, parse, room_of

REQUIRED = ["setup.cfg", "setup.py", "config", "weaver_like", "tests", "docs", "docker", "Makefile", "requirements.txt"]

#: A module may import modules of a lower floor or of its own package, never of a higher floor.
FLOORS = [
    {"domain"},
    {"settings", "schemas", "authoring"},
    {"access", "egress", "observe", "builtin"},
    {"stores", "notify", "sandbox"},
    {"fetchers"},
    {"files"},
    {"runners", "engines", "sources"},
    {"processes"},
    {"deployment"},
    {"runtime", "warm"},
    {"jobs"},
    {"services"},
    {"wiring"},
    {"faces", "worker"},
    {"app"},
    {"cli"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
#: Rooms of interchangeable adapters: from above only `<room>.base` is visible, except in `wiring`.
ADAPTERS = {"stores", "fetchers", "notify", "runners", "engines", "sources"}
#: Faces speak to the services only.
HIDDEN_FROM_FACES = ADAPTERS | {"sandbox"}
#: Every library has one home.
HOMES = {
    "sqlalchemy": {"stores"},
    "pymongo": {"stores"},
    "celery": {"engines"},
    "colander": {"schemas", "faces"},
    "cornice": {"faces", "app"},
    "cronsim": {"jobs"},
    "pyramid": {"faces", "app"},
    "pywps": {"faces", "runners"},
    "owslib": {"runners", "sources"},
    "cwltool": {"runners", "sources"},
    "boto3": {"egress"},
    "botocore": {"egress"},
    "s3transfer": {"egress"},
    "psutil": {"observe", "sandbox"},
    "urllib3": {"egress", "fetchers", "notify"},
    "jsonschema_rs": {"schemas"},
    "orjson": {"schemas"},
    "waitress": {"cli"},
    "gunicorn": {"cli"},
    "click": {"cli"},
    "jinja2": {"faces"},
}
MAX_LINES, MAX_FUNCTION = 400, 60


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_flow_down(path: Path) -> None:
    here = room_of(path)
    for name in imports(path):
        there = name.split(".")[1]
        assert here == there or FLOOR[there] < FLOOR[here], f"{here} may not import {name}"
        assert not (here == "faces" and there in HIDDEN_FROM_FACES), f"a face may not import {name}"
        if there in ADAPTERS and here not in {there, "wiring", "worker"}:
            assert name == f"{PACKAGE}.{there}.base", f"{here} may see only {there}.base, not {name}"


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= MAX_LINES, f"{path}: split it; one file, one concept"
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{path}:{node.lineno}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_has_one_home(path: Path) -> None:
    here = room_of(path)
    for line, name in libraries(path):
        home = HOMES.get(name.split(".")[0])
        assert home is None or here in home, f"{path}:{line}: {here} may not import {name}; its home is {home}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_wiring_imports_inside_functions(path: Path) -> None:
    if path.stem == "wiring":
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = [inside for inside in ast.walk(node) if isinstance(inside, (ast.Import, ast.ImportFrom))]
            assert not inner, f"{path}:{inner[0].lineno}: import at the top"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_and_public_class_says_what_it_is(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in tree.body:
        if (
            isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and not node.name.startswith("_")
            and path.parts[-2:] != ("domain", "errors.py")
        ):
            small = node.end_lineno - node.lineno < 8
            assert small or ast.get_docstring(node), f"{path}:{node.lineno}: {node.name} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_signature_is_annotated(path: Path) -> None:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            bare = [
                argument.arg
                for argument in arguments
                if argument.annotation is None and argument.arg not in ("self", "cls")
            ]
            assert not bare, f"{path}:{node.lineno}: {node.name} has bare {bare}"
            assert node.returns is not None or node.name == "__init__", (
                f"{path}:{node.lineno}: {node.name} says not what it returns"
            )


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_no_mocks(path: Path) -> None:
    for line, name in libraries(path):
        assert "mock" not in name.split("."), f"{path}:{line}: use the real service"


@pytest.mark.parametrize("name", REQUIRED)
def test_the_top_level_is_complete(name: str) -> None:
    assert (ROOT.parent / name).exists()
