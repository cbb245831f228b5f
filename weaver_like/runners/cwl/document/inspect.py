"""Reads application packages in a child, where a hostile one hurts nobody: checks, descriptions, what they refer to."""

import base64
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from urllib.parse import quote, unquote, urlsplit

from cwltool.errors import GraphTargetMissingException, UnsupportedRequirement, WorkflowException
from cwltool.process import Process
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from schema_salad.exceptions import ValidationException
from schema_salad.utils import yaml_no_ts

from weaver_like.runners.base import ChildRun
from weaver_like.runners.cwl.data.paths import confine
from weaver_like.runners.cwl.document.describe import Describer
from weaver_like.runners.cwl.document.documents import write_package
from weaver_like.runners.cwl.document.load import VERSIONS, Documents, load, warm
from weaver_like.runners.cwl.document.refusals import Refused, faults_of, plain_types, sentence
from weaver_like.runners.cwl.document.warnings import doubts_of

warm()
#: Parts of a document, after its aliases are written out.
_MOST_PARTS, _DEEPEST = 200_000, 200
_MOST_FETCHED = 100
_CLASSES = ("CommandLineTool", "Workflow", "ExpressionTool")


class Inspection(ChildRun):
    """request: {"files", "main", "wanted": names of `$graph`, "*" all, or none, "origin", "workdir"}, or {"texts": name -> base64}.

    Asks the parent {"fetch": url}, answered by {"text"} or {"error"}.
    Gives {"refused": text, "faults": [{"pointer", "detail"}], "kind"}, or {"processes": [{"name", "class", "description", ...}],
    "files": name -> base64 of those that were fetched, "remote": {url: text}, "warnings": [text]}; of texts {"documents": name -> value}.
    """

    def run(self) -> dict:
        self._package = Path(self.request["workdir"]).resolve() / "package"
        self._brought: dict[str, str] = {}
        self._doubts: list[str] = []
        if "texts" in self.request:
            return {"documents": dict(_readable_texts(self.request["texts"]))}
        warnings = _Warnings()
        try:
            found = _checked(self._read())
            return found | {
                "warnings": [*(sentence(faults_of(self._named(text))) for text in warnings.texts), *self._doubts]
            }
        except Refused as error:
            return {"refused": str(error), "faults": error.faults, "kind": error.kind}
        except (
            ValidationException,
            WorkflowException,
            UnsupportedRequirement,
            GraphTargetMissingException,
            YAMLError,
        ) as error:
            faults = faults_of(self._named(str(error)))
            return {"refused": sentence(faults) if faults else "The document is not valid CWL.", "faults": faults}
        except RecursionError:
            return {"refused": "The package refers to itself, or is nested too deep."}
        except (KeyError, TypeError, AttributeError, ValueError, AssertionError, IndexError) as error:
            return {
                "refused": f"The document has not the form of CWL: {type(error).__name__}: {plain_types(self._named(str(error)))[:300]}"
            }

    def _read(self) -> dict:
        write_package(self.request["files"], self._package)
        os.chdir(self._package)  # so that messages name files as the package does
        confine((self._package,))
        documents = Documents(self._package, self.request["main"], {}, self._fetch)
        document = parse_document(self._package / self.request["main"], self.request["main"])
        names = _entries(document, self.request["wanted"], self.request["main"])
        processes = [self._inspect(documents, name, _entry(document, name)) for name in names]
        return {"processes": processes, "files": self._brought, "remote": documents.known}

    def _inspect(self, documents: Documents, name: str, raw: dict) -> dict:
        tool = load(documents, name, validate=True)
        _check_runnable(tool)
        self._doubts += [doubt for doubt in doubts_of(tool) if doubt not in self._doubts]
        described = Describer(tool)
        text = tool.tool.get("doc")
        return {
            "name": name or _name(raw),
            "own": not name and bool(raw.get("id")),
            "fragment": name,
            "class": tool.tool["class"],
            "title": tool.tool.get("label"),
            "description": "\n".join(text) if isinstance(text, list) else text,
            "version": str(
                tool.metadata.get("https://schema.org/softwareVersion") or tool.metadata.get("s:softwareVersion") or ""
            ),
            "inputs": _ordered(described.inputs(), raw.get("inputs")),
            "outputs": _ordered(described.outputs(), raw.get("outputs")),
            "images": sorted(set(_images(tool))),
        }

    def _fetch(self, url: str) -> str:
        """Something remote; or a file that the package lacks, if its main document came from a place where it may be."""
        if not url.startswith("file:"):
            return self._ask(url)
        name = Path(unquote(urlsplit(url).path)).relative_to(self._package).as_posix()
        if not self.request["origin"]:
            raise ValidationException(
                f"The package has no file '{name}'; all files that it refers to are wanted with it."
            )
        text = self._ask(f"{self.request['origin']}/{quote(name)}")
        self._brought[name] = base64.b64encode(text.encode()).decode()
        write_package({name: self._brought[name]}, self._package)
        return text

    def _ask(self, url: str) -> str:
        self._asked = getattr(self, "_asked", 0) + 1
        if self._asked > _MOST_FETCHED:
            raise Refused(f"The package refers to more than {_MOST_FETCHED} documents elsewhere.")
        answer = self.ask({"fetch": url})
        if "text" not in answer:
            raise ValidationException(answer.get("error", f"'{url}' could not be fetched."))
        return answer["text"]

    def _named(self, text: str) -> str:
        """Names of files without the folder that they lie in for a moment."""
        for prefix in (f"{self._package.as_uri()}/", f"{self._package}/", self._package.as_uri(), str(self._package)):
            text = text.replace(prefix, "")
        for level, folder in enumerate(
            list(self._package.parents)[:-1], 1
        ):  # `../x` was written, and made a place of this machine
            text = text.replace(f"{folder.as_uri()}/", "../" * level)
        return text[:100_000]


class _Warnings(logging.Handler):
    """What cwltool warns of, e.g. hints that it does not know."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        for name in ("cwltool", "salad", "cwltool.process"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False
            logger.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.texts) < 50 and not record.getMessage().startswith("loader is"):
            self.texts.append(record.getMessage()[:1000])


def _entries(document: object, wanted: list[str], main: str) -> list[str]:
    """Entries of `$graph` that are wanted; "" for a document that is one process.

    Source: /req/cwl/deploy-w-param, /req/cwl/deploy-exception-workflow-not-found.
    """
    if not isinstance(document, dict):
        raise Refused(
            f"The document is {_kind(document)}; a CWL document, a mapping with cwlVersion and class, is wanted.",
            f"{main}:1:1",
        )
    version = document.get("cwlVersion")
    plain = str(version or "").rpartition("#")[2].removeprefix("cwl:")
    if plain not in VERSIONS:
        raise Refused(
            f"cwlVersion is '{str(version)[:100]}'; {', '.join(VERSIONS)} are known."
            if version
            else f"The document has no cwlVersion, so it is no CWL; {', '.join(VERSIONS)} are known.",
            "/cwlVersion",
        )
    if "$graph" not in document:
        _check_form(document, "")
        if wanted and wanted not in (["*"], [_name(document)]):
            raise Refused(
                f"w={','.join(wanted)[:200]} was asked for; the document is one process, '{_name(document)[:100]}', and no $graph.",
                kind="workflow-not-found",
            )
        return [""]
    graph = document["$graph"]
    if not isinstance(graph, list) or not graph or not all(isinstance(entry, dict) for entry in graph):
        raise Refused(f"$graph is {_kind(graph)}; a list of processes is wanted.", "/$graph")
    for number, entry in enumerate(graph):
        _check_form(entry, f"/$graph/{number}")
        if not _name(entry):
            raise Refused("An entry of $graph has no id.", f"/$graph/{number}/id")
    return _chosen({_name(entry): str(entry.get("class")) for entry in graph}, wanted)


def _chosen(entries: dict[str, str], wanted: list[str]) -> list[str]:
    if wanted == ["*"]:
        return list(entries)
    missing = [name for name in wanted if name not in entries]
    if missing:
        raise Refused(
            f"w={','.join(missing)[:200]} was asked for; the document has {', '.join(entries)[:500]}.",
            kind="workflow-not-found",
        )
    if wanted:
        return list(dict.fromkeys(wanted))
    workflows = [name for name, kind in entries.items() if kind == "Workflow"]
    return ["main"] if "main" in entries else workflows[:1] or list(entries)[:1]


def _check_form(document: dict, pointer: str) -> None:
    """What schema-salad says in many words, or wrongly, when it is missing."""
    kind = document.get("class")
    if kind not in _CLASSES:
        raise Refused(
            f"class is '{str(kind)[:100]}'; {', '.join(_CLASSES)} are known."
            if kind is not None
            else f"class is missing; {', '.join(_CLASSES)} are known.",
            f"{pointer}/class",
        )
    for name in ("inputs", "outputs", *(["steps"] if kind == "Workflow" else [])):
        if not isinstance(document.get(name), (dict, list)):
            got = _kind(document[name]) if name in document else "missing"
            raise Refused(f"{name} is {got}; a mapping or a list is wanted.", f"{pointer}/{name}")
    if not isinstance(document.get("id", ""), str):
        raise Refused(f"id is {_kind(document['id'])}; a text is wanted.", f"{pointer}/id")


def _check_runnable(tool: Process) -> None:
    def visit(document: dict) -> None:
        if document.get("class") == "Operation":
            raise Refused(
                f"'{_name(document)[:100]}' is an Operation: it says what is to be done, and not how, so it cannot be run."
            )

    tool.visit(visit)


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", type(None): "empty"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


def _entry(document: dict, name: str) -> dict:
    return next(entry for entry in document["$graph"] if _name(entry) == name) if name else document


def _ordered(described: dict[str, dict], ports: object) -> dict[str, dict]:
    """In the order of the document: cwltool sorts what is written as a mapping."""
    names = (
        list(ports)
        if isinstance(ports, dict)
        else [_name(port) for port in ports if isinstance(port, dict)]
        if isinstance(ports, list)
        else []
    )
    return {name: described[name] for name in names if name in described} | described


def _name(document: dict) -> str:
    return str(document.get("id") or "").rpartition("#")[2].rpartition("/")[2]


def _checked(found: dict) -> dict:
    """Raises: Refused, for texts and numbers that JSON cannot carry."""
    try:
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise Refused("The document has half of a surrogate pair in a text, which UTF-8 cannot hold.") from error
    except ValueError as error:
        raise Refused("The document has a number that is infinite, or none (.inf, .nan).") from error
    return found


def parse_document(path: Path, name: str) -> object:
    """The document as plain data, once: before anything walks it, its size is known.

    Raises: Refused, with line and column of what is no YAML.
    """
    yaml = yaml_no_ts()
    try:
        text = path.read_text(encoding="utf-8")
        _weigh(yaml.compose(text))
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        pointer = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context).strip().rstrip(".")
        raise Refused(f"The document is neither JSON nor YAML: {pointer}: {problem}.", pointer) from error
    except UnicodeDecodeError as error:
        raise Refused(
            f"The document is not UTF-8 text: byte {error.object[error.start]:#04x} was got at position {error.start}.",
            f"{name}:1:1",
        ) from error
    except OSError as error:
        raise Refused(f"The package has no document '{name}'.") from error
    except ReaderError as error:
        raise Refused(
            f"The document holds the character {error.character!r} at position {error.position}, which YAML does not allow.",
            f"{name}:1:1",
        ) from error
    except (YAMLError, ValueError, TypeError, OverflowError) as error:
        raise Refused(f"The document is neither JSON nor YAML: {str(error)[:300]}.", f"{name}:1:1") from error


def _readable_texts(texts: dict[str, str]) -> Iterator[tuple[str, object]]:
    """Those that are JSON or YAML, as plain values."""
    for name, text in texts.items():
        path = Path("text")
        path.write_bytes(base64.b64decode(text))
        try:
            yield name, _checked({"value": _plain(parse_document(path, name))})["value"]
        except (Refused, RecursionError):
            continue


def _plain(value: object) -> object:
    """Without ruamel's own types; keys are texts, as in JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)


def _weigh(root: object) -> None:
    """Raises: Refused for a document that grows beyond all bounds when its aliases are written out, or holds itself."""
    weights: dict[int, int] = {}
    path: set[int] = set()

    def weigh(node: object, depth: int) -> int:
        key = id(node)
        if key in path:
            raise Refused("The document holds itself: an alias refers to a part around it.")
        if depth > _DEEPEST:
            raise Refused(f"The document is nested deeper than {_DEEPEST}.")
        if key not in weights:
            path.add(key)
            parts = node.value if node is not None and not isinstance(node.value, str) else []
            weights[key] = 1 + sum(weigh(part, depth + 1) for part in _flat(parts))
            path.discard(key)
        if weights[key] > _MOST_PARTS:
            raise Refused(f"The document has more than {_MOST_PARTS} parts when its aliases are written out.")
        return weights[key]

    weigh(root, 0)


def _flat(parts: list) -> Iterator[object]:
    for part in parts:
        if isinstance(part, tuple):
            yield from part
        else:
            yield part


def _images(tool: Process) -> Iterator[str]:
    """Images that some step cannot do without."""
    found: list[str] = []

    def visit(document: dict) -> None:
        for requirement in document.get("requirements", ()):
            if isinstance(requirement, dict) and requirement.get("class") == "DockerRequirement":
                found.append(
                    str(
                        requirement.get("dockerPull")
                        or requirement.get("dockerImageId")
                        or requirement.get("dockerLoad")
                        or "?"
                    )
                )

    tool.visit(visit)
    yield from found


def run_in_child(request: dict, channel: socket) -> int:
    """Called by the zygote after the fork."""
    return Inspection(request, channel).serve()
