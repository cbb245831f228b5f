"""The deployment body of a package: the main document, and every file that it refers to, byte for byte."""

import json
import mimetypes
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ruamel.yaml.error import YAMLError

from tests.conformance.cwl.suite import load_yaml

#: Members whose text names a document that may refer to more.
_DOCUMENTS = ("run", "$import", "$mixin", "cwl:tool")
#: Members whose text, or list of texts, names files that are taken as they are.
_FILES = ("$include", "$schemas")


@dataclass(frozen=True, slots=True)
class Bundle:
    """root: common parent of all files.  files: absolute, the main document
    first.  documents: those that could be parsed.  changed: those that are not sent as they are."""

    root: Path
    files: tuple[Path, ...]
    documents: dict[Path, object]
    changed: frozenset[Path] = field(default=frozenset())

    @property
    def main(self) -> object:
        """The main document; None if it could not be parsed."""
        return self.documents.get(self.files[0])

    def name(self, path: Path) -> str:
        """The name of a part: its path below the root."""
        return path.relative_to(self.root).as_posix()

    def content(self, path: Path) -> bytes:
        """What is sent of a file."""
        return json.dumps(self.documents[path], indent=1).encode() if path in self.changed else path.read_bytes()


def collect(main: Path, within: Path = Path("/"), address: Callable[[Path], str] | None = None) -> Bundle:
    """The main document and all that it refers to, recursively.

    References to the web, to what is outside of `within`, and to what is not there, are left.
    address: of a file on the web; with it documents name their files so, and these are not sent with them.
    """
    found: dict[Path, None] = {}
    documents: dict[Path, object] = {}
    changed: set[Path] = set()
    waiting = [_normal(main)]
    while waiting:
        path = waiting.pop()
        if path in documents:
            continue
        found[path] = None
        documents[path] = _parse(path)
        if address and _name_by_address(documents[path], path, address):
            changed.add(path)
        for reference, is_document in _references(documents[path]):
            target = _resolve(path, reference)
            if target is None or not target.is_relative_to(within):
                continue
            if is_document:
                waiting.append(target)
            else:
                found |= dict.fromkeys(
                    _files(target, with_companions=any("secondaryFiles" in node for node in _nodes(documents[path])))
                )
    return Bundle(_common_parent(list(found)), tuple(found), documents, frozenset(changed))


def render(bundle: Bundle) -> tuple[str, bytes]:
    """Content type and body of the request: one document alone, or multipart/related with names in Content-Location.

    Source: RFC 2387, RFC 2557.
    """
    contents = {path: bundle.content(path) for path in bundle.files}
    main = bundle.files[0]
    if len(contents) == 1:
        return _media_type(main, contents[main]), contents[main]
    boundary = uuid.uuid4().hex
    parts = b""
    for path, content in contents.items():
        kind, place = _media_type(path, content), quote(bundle.name(path))
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Location: {place}\r\n\r\n"
        parts += head.encode() + content + b"\r\n"
    return (
        f'multipart/related; type="{_media_type(main, contents[main])}"; boundary={boundary}',
        parts + f"--{boundary}--\r\n".encode(),
    )


def process_of(document: object, name: str | None) -> dict:
    """The process that a test means: the document, or of its `$graph` the one named,
    or else `main`, else the first workflow; {} if none."""
    if not isinstance(document, dict):
        return {}
    if "$graph" not in document:
        return document
    graph = document["$graph"] if isinstance(document["$graph"], list) else []
    entries = {short_name(str(entry.get("id", ""))): entry for entry in graph if isinstance(entry, dict)}
    if name:
        return entries.get(name, {})
    workflows = [entry for entry in entries.values() if entry.get("class") == "Workflow"]
    return entries.get("main") or next(iter(workflows), {})


def short_name(identifier: str) -> str:
    """The last part of an identifier: `file1` of `#main/file1`."""
    return identifier.rpartition("#")[2].rpartition("/")[2]


def declared_inputs(bundle: Bundle, name: str | None) -> dict[str, object]:
    """Ids and declarations of the inputs of the process that a test means."""
    inputs = process_of(bundle.main, name).get("inputs") or {}
    if isinstance(inputs, dict) and isinstance(inputs.get("$import"), str):
        inputs = bundle.documents.get(_normal(bundle.files[0].parent / inputs["$import"]), {})
    if isinstance(inputs, dict):
        return {short_name(str(name)): declared for name, declared in inputs.items()}
    if not isinstance(inputs, list):
        return {}
    return {short_name(str(entry.get("id", ""))): entry for entry in inputs if isinstance(entry, dict)}


def must_be_given(declared: object) -> bool:
    """True if an input has neither a default nor a type that may be null."""
    kind = declared
    if isinstance(declared, dict) and "type" in declared:
        if "default" in declared:
            return False
        kind = declared["type"]
    kinds = kind if isinstance(kind, list) else [kind]
    return not any(one == "null" or (isinstance(one, str) and one.endswith("?")) for one in kinds)


def needs_docker(bundle: Bundle) -> bool:
    """True if any document has DockerRequirement among its `requirements`; as a hint it may be ignored."""
    return any(
        "DockerRequirement" in _requirements(node)
        for document in bundle.documents.values()
        for node in _nodes(document)
    )


def _requirements(node: dict) -> set[str]:
    entries = node.get("requirements")
    if isinstance(entries, dict):
        return set(entries)
    found = entries if isinstance(entries, list) else []
    return {str(entry.get("class", "")) for entry in found if isinstance(entry, dict)}


def _parse(path: Path) -> object:
    """None if the file is no YAML: what to say of it is for the server."""
    try:
        return load_yaml(path)
    except (YAMLError, UnicodeDecodeError, ValueError):
        return None


def _nodes(node: object) -> Iterator[dict]:
    """Every object in a document, the outer ones first."""
    if isinstance(node, dict):
        yield node
    if isinstance(node, (dict, list)):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _nodes(inner)


def _references(document: object) -> Iterator[tuple[str, bool]]:
    """Every reference in a document, and whether it names one more document."""
    for node in _nodes(document):
        yield from ((node[key], True) for key in _DOCUMENTS if isinstance(node.get(key), str))
        for key in _FILES:
            texts = node.get(key)
            found = texts if isinstance(texts, list) else [texts]
            yield from ((text, False) for text in found if isinstance(text, str))
        location = node.get("location", node.get("path"))
        if node.get("class") in ("File", "Directory") and isinstance(location, str):
            yield location, False


def _name_by_address(document: object, path: Path, address: Callable[[Path], str]) -> bool:
    """Give the files of a document, in place, their addresses; True if there are any."""
    changed = False
    for node in _nodes(document):
        location = node.get("location", node.get("path"))
        if node.get("class") != "File" or not isinstance(location, str):
            continue
        target = _resolve(path, location)
        if target and target.is_file():
            node.pop("path", None)
            node["location"] = address(target)
            changed = True
    return changed


def _resolve(base: Path, reference: str) -> Path | None:
    """The file or folder that a reference in `base` names.

    None for the web, for a fragment of `base`, and for what is not there.
    """
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = _normal(base.parent / unquote(parts.path))
    return path if os.path.exists(path) else None  # a text that can be no path is none


def _files(target: Path, with_companions: bool) -> list[Path]:
    """A file, and all beside it that have its stem, for defaults whose companions are only a pattern.

    Or what is in a folder.
    """
    if target.is_dir():
        return sorted(inner for inner in target.rglob("*") if inner.is_file())
    stem = f"{target.name.partition('.')[0]}."
    return [
        target,
        *sorted(
            beside
            for beside in target.parent.iterdir()
            if with_companions and beside.name.startswith(stem) and beside.is_file()
        ),
    ]


def _normal(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _common_parent(files: list[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in files]))


def _media_type(path: Path, content: bytes) -> str:
    if path.suffix == ".cwl":
        return "application/cwl+json" if content.lstrip().startswith(b"{") else "application/cwl+yaml"
    if path.suffix in (".yml", ".yaml"):
        return "application/yaml"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
