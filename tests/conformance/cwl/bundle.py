"""The deployment body of a test: the main document, and every file that it refers to, byte for byte."""

import mimetypes
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
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
    first.  documents: those that could be parsed."""

    root: Path
    files: tuple[Path, ...]
    documents: dict[Path, object]

    @property
    def main(self) -> object:
        """The main document; None if it could not be parsed."""
        return self.documents.get(self.files[0])

    def name(self, path: Path) -> str:
        """The name of a part: its path below the root."""
        return path.relative_to(self.root).as_posix()


def collect(main: Path) -> Bundle:
    """The main document and all that it refers to, recursively.

    References to the web, and to what is not there, are left.
    """
    found: dict[Path, None] = {}
    documents: dict[Path, object] = {}
    waiting = [_normal(main)]
    while waiting:
        path = waiting.pop()
        if path in documents:
            continue
        found[path] = None
        documents[path] = _parse(path)
        for reference, is_document in _references(documents[path]):
            target = _resolve(path, reference)
            if target is None:
                continue
            if is_document:
                waiting.append(target)
            else:
                found |= dict.fromkeys(
                    _files(target, with_companions=any("secondaryFiles" in node for node in _nodes(documents[path])))
                )
    return Bundle(_common_parent(list(found)), tuple(found), documents)


def render(bundle: Bundle) -> tuple[str, bytes]:
    """Content type and body of the request: one document alone, or multipart/related with names in Content-Location.

    Source: RFC 2387, RFC 2557.
    """
    contents = {path: path.read_bytes() for path in bundle.files}
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
    entries = {short_name(str(entry.get("id", ""))): entry for entry in document["$graph"] if isinstance(entry, dict)}
    if name:
        return entries.get(name, {})
    workflows = [entry for entry in entries.values() if entry.get("class") == "Workflow"]
    return entries.get("main") or next(iter(workflows), {})


def short_name(identifier: str) -> str:
    """The last part of an identifier: `file1` of `#main/file1`."""
    return identifier.rpartition("#")[2].rpartition("/")[2]


def declared_inputs(bundle: Bundle, name: str | None) -> set[str]:
    """Ids of the inputs of the process that a test means."""
    inputs = process_of(bundle.main, name).get("inputs", {})
    if isinstance(inputs, dict) and "$import" in inputs:
        inputs = bundle.documents.get(_normal(bundle.files[0].parent / inputs["$import"]), {})
    names = (
        inputs
        if isinstance(inputs, dict)
        else [entry.get("id", "") if isinstance(entry, dict) else "" for entry in inputs]
    )
    return {short_name(name) for name in names}


def needs_docker(bundle: Bundle) -> bool:
    """True if any document has DockerRequirement among its `requirements`; as a hint it may be ignored."""
    return any(
        "DockerRequirement" in _requirements(node)
        for document in bundle.documents.values()
        for node in _nodes(document)
    )


def _requirements(node: dict) -> set[str]:
    entries = node.get("requirements") or ()
    return (
        set(entries)
        if isinstance(entries, dict)
        else {entry.get("class", "") for entry in entries if isinstance(entry, dict)}
    )


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
            texts = node.get(key, ())
            yield from (
                (text, False) for text in ([texts] if isinstance(texts, str) else texts) if isinstance(text, str)
            )
        location = node.get("location", node.get("path"))
        if node.get("class") in ("File", "Directory") and isinstance(location, str):
            yield location, False


def _resolve(base: Path, reference: str) -> Path | None:
    """The file or folder that a reference in `base` names.

    None for the web, for a fragment of `base`, and for what is not there.
    """
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = _normal(base.parent / unquote(parts.path))
    return path if path.exists() else None


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
