"""Where one room ends: faces, runners, and what is said between processes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, ROOT, imports, name_of, parse, room_of

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


KINDS = {"cwl", "python"}


def kinds_named(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield literals that are a runner's kind where they decide: compared, a key, an argument, a constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            places = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            places = [node.slice]
        elif isinstance(node, ast.Dict):
            places = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Call):
            places = [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            places = [node.value] if node.value is not None else []
        elif isinstance(node, ast.arguments):
            places = [default for default in [*node.defaults, *node.kw_defaults] if default is not None]
        elif isinstance(node, ast.MatchValue):
            places = [node.value]
        else:
            continue
        for place in places:
            members = place.elts if isinstance(place, (ast.Tuple, ast.List, ast.Set)) else [place]
            yield from (one for one in members if isinstance(one, ast.Constant) and one.value in KINDS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_a_runner_and_wiring_name_its_kind(path: Path) -> None:
    """Other rooms ask what a runner says of itself (`runners/base.py: Runner`)."""
    place = path.relative_to(ROOT)
    if place.parts[0] == "wiring.py":
        return
    own = {place.parts[1].removesuffix(".py")} if place.parts[0] == "runners" else set()
    for literal in kinds_named(parse(path)):
        assert literal.value in own, f"{path}:{literal.lineno}: this names the runner {literal.value!r}"


def between_processes() -> list[Path]:
    """What the server, a worker, its zygote and a child say to each other, and those who say it."""
    patterns = [
        *("sandbox/wire.py", "sandbox/zygote.py", "sandbox/children.py", "sandbox/messages.py"),
        *("engines/**/*.py", "worker/**/*.py", "runners/base.py", "domain/messages.py", "domain/events.py"),
        *(f"jobs/{name}.py" for name in ("execute", "attempt", "session", "child", "finish", "chain")),
    ]
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


#: Members of messages that are documents of somebody else: name -> whose.
DOCUMENTS = {
    "target": "the runner's own: what of its package is to run",
    "options": "the runner's own: made by wiring, read by its child",
    "document": "JSON of a client: the execute request of a job that follows",
    "inputs": "JSON of a client: the inputs of a job that follows",
}


def is_untyped(annotation: ast.AST | None) -> bool:
    """Whether an annotation has a dict or Mapping that does not say what it holds."""
    if annotation is None:
        return False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval")
    typed = {
        id(node.value): node
        for node in ast.walk(annotation)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id in ("dict", "Mapping", "MutableMapping"):
            parameters = typed.get(id(node))
            held = (
                set() if parameters is None else {one.id for one in ast.walk(parameters) if isinstance(one, ast.Name)}
            )
            if parameters is None or held & {"Any", "object"}:
                return True
    return False


@pytest.mark.parametrize("path", between_processes(), ids=name_of)
def test_processes_talk_in_types(path: Path) -> None:
    """Parameters, results and members are dataclasses or maps of a known type, never keys known by heart."""
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            places = [(argument.arg, argument.annotation) for argument in given]
            places.append((node.name, node.returns))
        elif isinstance(node, ast.ClassDef):
            members = [one for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
            places = [(one.target.id, one.annotation) for one in members]
        else:
            continue
        bare = [name for name, annotation in places if name not in DOCUMENTS and is_untyped(annotation)]
        assert not bare, f"{path}:{node.lineno}: {node.name} has an untyped dictionary: {bare}"
