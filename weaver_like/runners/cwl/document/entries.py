"""Which processes of a document are deployed, and whether each has the form of one."""

from typing import Any

from weaver_like.runners.cwl.document.load import VERSIONS
from weaver_like.runners.cwl.document.refusals import Refused
from weaver_like.runners.cwl.types import Document

_CLASSES = ("CommandLineTool", "Workflow", "ExpressionTool")
_KINDS: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", type(None): "empty"}
ALL = ["*"]


def name_of(document: Document) -> str:
    """The id of a process without the document before it; empty if it has none."""
    return str(document.get("id") or "").rpartition("#")[2].rpartition("/")[2]


def chosen_entries(document: Any, wanted: list[str], main: str) -> dict[str, Document]:
    """Entries of `$graph` that are wanted, by name; "" for a document that is one process.

    wanted: names, `ALL`, or none: then it is `main`, or the first workflow, or, where none is a step of another, all.
    main: name of the document.
    Raises: Refused. Source: /req/cwl/deploy-w-param, /req/cwl/deploy-exception-workflow-not-found.
    """
    if not isinstance(document, dict):
        raise Refused(
            f"Expected a CWL document, a mapping with cwlVersion and class; this one is {_kind(document)}.",
            f"{main}:1:1",
        )
    _check_version(document.get("cwlVersion"))
    if "$graph" in document:
        entries = _graph(document["$graph"])
        return {name: entries[name] for name in _choose(entries, wanted)}
    _check_form(document, "")
    name = name_of(document)
    if wanted and wanted not in (ALL, [name]):
        raise Refused(
            f"w={','.join(wanted)[:200]} was asked for, but the document is one process, '{name[:100]}', without a "
            "$graph.",
            missing_process=True,
        )
    return {"": document}


def _check_version(version: object) -> None:
    known = ", ".join(VERSIONS)
    if not version:
        raise Refused(f"The document has no cwlVersion, so it is not CWL; expected one of {known}.", "/cwlVersion")
    if str(version).rpartition("#")[2].removeprefix("cwl:") not in VERSIONS:
        raise Refused(f"cwlVersion is '{str(version)[:100]}'; expected one of {known}.", "/cwlVersion")


def _graph(graph: object) -> dict[str, Document]:
    if not isinstance(graph, list) or not graph or not all(isinstance(entry, dict) for entry in graph):
        raise Refused(f"$graph is {_kind(graph)}; expected a list of processes.", "/$graph")
    for number, entry in enumerate(graph):
        _check_form(entry, f"/$graph/{number}")
        if not name_of(entry):
            raise Refused("An entry of $graph has no id.", f"/$graph/{number}/id")
    entries: dict[str, Document] = {}
    for entry in graph:
        entries.setdefault(name_of(entry), entry)
    return entries


def _choose(entries: dict[str, Document], wanted: list[str]) -> list[str]:
    if wanted == ALL:
        return list(entries)
    missing = [name for name in wanted if name not in entries]
    if missing:
        raise Refused(
            f"w={','.join(missing)[:200]} was asked for, but the document has {', '.join(entries)[:500]}.",
            missing_process=True,
        )
    if wanted:
        return list(dict.fromkeys(wanted))
    if "main" in entries:
        return ["main"]
    workflows = [name for name, entry in entries.items() if entry.get("class") == "Workflow"]
    return workflows[:1] or list(entries)


def _check_form(document: Document, pointer: str) -> None:
    """What schema-salad says in many words, or wrongly, when it is missing."""
    kind = document.get("class")
    known = ", ".join(_CLASSES)
    if kind is None:
        raise Refused(f"class is missing; expected one of {known}.", f"{pointer}/class")
    if kind not in _CLASSES:
        raise Refused(f"class is '{str(kind)[:100]}'; expected one of {known}.", f"{pointer}/class")
    names = ["inputs", "outputs", "steps"] if kind == "Workflow" else ["inputs", "outputs"]
    for name in names:
        if not isinstance(document.get(name), (dict, list)):
            got = _kind(document[name]) if name in document else "missing"
            raise Refused(f"{name} is {got}; expected a mapping or a list.", f"{pointer}/{name}")
    for name in (*names, "requirements", "hints"):
        _check_list(document.get(name), f"{pointer}/{name}")
    if not isinstance(document.get("id", ""), str):
        raise Refused(f"id is {_kind(document['id'])}; expected a text.", f"{pointer}/id")


def _check_list(entries: object, pointer: str) -> None:
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            raise Refused(f"{pointer}/{number} is {_kind(entry)}; expected a mapping.", f"{pointer}/{number}")


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "a number")
