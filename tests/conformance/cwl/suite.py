"""Reading the suite: its list of tests, and the YAML documents that they name."""

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

INDEX = "conformance_tests.yaml"
#: Where the suite is; it is no part of this project.
FOLDER_VARIABLE = "WEAVER_LIKE_CWL_SUITE"
#: Tests with a container are attempted if this is 1.
DOCKER_VARIABLE = "WEAVER_LIKE_CWL_DOCKER"


class _Constructor(SafeConstructor):
    """Dates stay texts, as in JSON: CWL knows no dates."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


@dataclass(frozen=True, slots=True)
class Case:
    """One test. process: of the `$graph` in `tool`, None: the main one.  job:
    the inputs, None: none.  expected: the outputs."""

    id: str
    tags: frozenset[str]
    tool: Path
    process: str | None
    job: Path | None
    expected: dict | None
    should_fail: bool


def load_yaml(path: Path) -> object:
    """The document of a file, YAML 1.2 or JSON. Raises: ruamel.yaml.error.YAMLError, UnicodeDecodeError, OSError."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    yaml.allow_duplicate_keys = True  # whether they are allowed is for the server to say
    return yaml.load(path.read_text("utf-8"))


def read_suite(folder: Path) -> list[Case]:
    """Every test of a folder with `conformance_tests.yaml`, in the suite's order."""
    return _read_index(folder.resolve() / INDEX)


def _read_index(path: Path) -> list[Case]:
    cases: list[Case] = []
    for entry in load_yaml(path):
        if "$import" in entry:
            cases += _read_index(path.parent / entry["$import"])
        else:
            cases.append(_make_case(entry, path.parent))
    return cases


def _make_case(entry: dict, folder: Path) -> Case:
    tool, _, process = entry["tool"].partition("#")
    return Case(
        id=str(entry["id"]),
        tags=frozenset(entry.get("tags", ())),
        tool=folder / tool,
        process=process or None,
        job=folder / entry["job"] if entry.get("job") else None,
        expected=entry.get("output"),
        should_fail=bool(entry.get("should_fail")),
    )
