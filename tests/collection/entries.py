"""The documents of a folder, and the job file that lies beside each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.error import YAMLError

from tests.conformance.cwl.bundle import Bundle, collect, declared_inputs, must_be_given
from tests.conformance.cwl.suite import load_yaml

#: Folders beside a document where its job files may be.
_FOLDERS = ("", "job", "jobs", "input", "inputs", "test", "tests", "example", "examples")
_SUFFIXES = (".yml", ".yaml", ".json")
#: Names of job files that are not named after one document.
_SHARED = ("job", "jobs", "input", "inputs", "param", "params", "parameters")
#: What stands between the name of a document and the rest of the name of its job file.
_JOINTS = "-_."


@dataclass(frozen=True, slots=True)
class Entry:
    """One document. name: its path in the folder.  job: None if there is none."""

    name: str
    package: Bundle
    job: Path | None


def find_documents(folder: Path) -> list[Path]:
    """Every `.cwl` file below a folder, in order; hidden files and folders are left out."""
    found = (path for path in sorted(folder.rglob("*.cwl")) if path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def read_entry(path: Path, folder: Path) -> Entry:
    """A document with all that it refers to in the folder, and its job."""
    package = collect(path, within=folder)
    return Entry(path.relative_to(folder).as_posix(), package, _find_job(path, package))


def _find_job(path: Path, package: Bundle) -> Path | None:
    """The first job file that fits: named after the document (`x.yml`, `x-job.json`, `jobs/x_1.yaml`, `job-x.yml`),
    else one that it may share with others (`job.yml`), and has all that it needs."""
    declared = declared_inputs(package, None)
    needed = {name for name, entry in declared.items() if must_be_given(entry)}
    for candidate in _own_jobs(path):
        given = _members(candidate)
        if given is not None and (given & declared.keys() or given <= {"$namespaces"}):
            return candidate
    for candidate in _shared_jobs(path):
        given = _members(candidate)
        if given is not None and needed <= given <= declared.keys():
            return candidate
    return None


def _own_jobs(path: Path) -> Iterator[Path]:
    """Files that are named after a document, and not after another one beside it whose name is longer."""
    others = {other.stem for other in path.parent.glob("*.cwl") if len(other.stem) > len(path.stem)}
    for folder in _FOLDERS:
        for candidate in _files(path.parent / folder):
            if _is_named_after(candidate, path.stem) and not any(_is_named_after(candidate, one) for one in others):
                yield candidate


def _shared_jobs(path: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        yield from (candidate for candidate in _files(path.parent / folder) if candidate.stem in _SHARED)


def _files(folder: Path) -> list[Path]:
    """Those that may be jobs, the shortest names first."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    return sorted(found, key=lambda path: (len(path.name), path.name))


def _is_named_after(path: Path, stem: str) -> bool:
    name = path.stem
    starts = name.startswith(stem) and name[len(stem) : len(stem) + 1] in ("", *_JOINTS)
    return starts or any(name == f"{word}{joint}{stem}" for word in _SHARED for joint in _JOINTS)


def _members(path: Path) -> set[str] | None:
    """Names of what a job gives; None if the file is none."""
    try:
        document = load_yaml(path)
    except (YAMLError, ValueError):
        return None
    return set(map(str, document)) if isinstance(document, dict) else None
