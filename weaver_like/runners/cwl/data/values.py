"""Inputs as the worker staged them -> the job order of CWL."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cwltool.errors import WorkflowException
from cwltool.process import Process, shortname

from weaver_like.domain.fileobjects import FileObject, is_object
from weaver_like.domain.formats import essence, media_type_of
from weaver_like.domain.messages import InputFile, InputReference, InputValue, RunInput
from weaver_like.runners.cwl.data.archives import unpack
from weaver_like.runners.cwl.document.formats import cwl_format, media_type_of_format
from weaver_like.runners.cwl.types import CwlType, Document, Values, is_list, is_optional, occurrence_of, options_of
from weaver_like.schemas.jsontext import dumps

_FILE_MEMBERS = ("class", "location", "basename", "format", "contents", "secondaryFiles", "size", "checksum")


def job_order(tool: Process, staged: Mapping[str, Sequence[RunInput]], folder: Path) -> Values:
    """The job order of CWL; an input that was not given is left out, so that CWL uses its default.

    folder: where values become files.
    Raises: WorkflowException, naming the input.
    """
    order: Values = {}
    for port in tool.tool["inputs"]:
        name = shortname(port["id"])
        if name in staged:
            order[name] = _Reader(port, folder / f"{name}-given").read(staged[name])
        elif "default" not in port and is_list(port["type"]) and not is_optional(port["type"]):
            order[name] = []  # nothing can be told from an array without items
    return order


class _Reader:
    """Reads the occurrences of one input. folder: for files that are made of values."""

    def __init__(self, port: Document, folder: Path):
        self._name = shortname(port["id"])
        self._kind: CwlType = port["type"]
        declared = port.get("format") or []
        self._formats: list[str] = declared if isinstance(declared, list) else [declared]
        self._folder = folder

    def read(self, given: Sequence[RunInput]) -> Any:
        kind = occurrence_of(self._kind)
        if kind is None:
            return self._convert(given[0], self._kind) if given else None
        occurrences = _occurrences(given, kind)
        found = [self._convert(item, kind) for item in occurrences]
        is_single = len(found) == 1 and occurrences is given and not is_list(self._kind)
        return found[0] if is_single else found  # of `File | File[]`

    def _convert(self, item: RunInput, kind: CwlType) -> Any:
        if isinstance(item, InputReference):
            raise WorkflowException(f"Input '{self._name}' was not fetched.")
        options = options_of(kind)
        if isinstance(item, InputFile):
            path = Path(item.path)
            if "Directory" in options and ("File" not in options or path.is_dir()):
                return self._directory(path)
            return self._file(path, item.media_type)
        return self._convert_value(item.value, options)

    def _convert_value(self, value: Any, options: Sequence[CwlType]) -> Any:
        if value is not None and options == ["File"] and not is_object(value):
            return self._written(value)
        found = self._objects(value)
        if not isinstance(found, dict) or found.get("class") != "File" or "format" in found:
            return found
        # As for a link: without a format of its own, it is taken for what the input expects.
        return found | self._format(None, str(value.get("basename") or value.get("location", "")))

    def _written(self, value: object) -> FileObject:
        """A file with a value whose description says nothing of a file: text, or JSON."""
        path = self._folder / str(uuid.uuid4()) / f"{self._name}{'.txt' if isinstance(value, str) else '.json'}"
        path.parent.mkdir(parents=True)
        path.write_bytes(value.encode() if isinstance(value, str) else dumps(value))
        return self._file(path, None)

    def _objects(self, value: object) -> Any:
        """CWL's own objects, at any depth: names are completed, archives become directories."""
        if isinstance(value, list):
            return [self._objects(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class") == "File":
            return self._own_file(value)
        if value.get("class") == "Directory":
            return self._own_directory(value)
        return {key: self._objects(item) for key, item in value.items()}

    def _own_directory(self, value: FileObject) -> FileObject:
        if not value.get("location") or "listing" in value:
            said = {key: item for key, item in value.items() if key not in ("location", "path")}
            return said | {"listing": [self._objects(entry) for entry in value.get("listing", [])]}
        folder = self._directory(_path_of(value))
        if "basename" in value:
            folder["basename"] = value["basename"]
        return folder

    def _own_file(self, value: FileObject) -> FileObject:
        given = {key: item for key, item in value.items() if key in _FILE_MEMBERS}
        if not {"location", "contents"} & given.keys():
            raise WorkflowException(
                f"Invalid job input record: a File of input '{self._name}' has neither location nor contents."
            )
        if "secondaryFiles" in given:
            given["secondaryFiles"] = self._objects(given["secondaryFiles"])
        if "contents" in given and not given.get("location"):
            given.setdefault("basename", f"{self._name}.txt")
            given["location"] = self._kept(given["contents"])
        elif "basename" not in given:
            given["basename"] = unquote(urlsplit(given.get("location", "")).path).rpartition("/")[2]
        if "format" not in given and "mediaType" in value:
            given |= self._format(value["mediaType"])
        return given

    def _kept(self, contents: str) -> str:
        """A file with the contents of a literal: `loadContents` reads them there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"literal-{uuid.uuid4()}"
        path.write_text(contents, encoding="utf-8")
        return path.as_uri()

    def _file(self, path: Path, media_type: str | None) -> FileObject:
        return {"class": "File", "location": path.as_uri(), "basename": path.name} | self._format(media_type, path.name)

    def _format(self, media_type: str | None, name: str = "") -> FileObject:
        """The format of the input that fits a media type, else a file name.

        A tool that declares formats refuses files without one.
        """
        kinds = [essence(kind) for kind in (media_type, media_type_of(name)) if kind]
        candidates = [one for kind in kinds for one in self._formats if media_type_of_format(one) == kind]
        candidates += [one for one in self._formats if "$(" not in one]
        if media_type:
            candidates.append(cwl_format(media_type))
        return {"format": candidates[0]} if candidates else {}

    def _directory(self, path: Path) -> FileObject:
        """A folder that was fetched, or what an archive holds."""
        if path.is_dir():
            return {"class": "Directory", "location": path.as_uri(), "basename": path.name}
        return self._unpacked(path)

    def _unpacked(self, archive: Path) -> FileObject:
        target = self._folder / archive.name.partition(".")[0]
        while target.exists():
            target = target.with_name(target.name + "_")
        unpack(archive, target)
        return {"class": "Directory", "location": target.as_uri(), "basename": target.name}


def _occurrences(given: Sequence[RunInput], items: CwlType) -> Sequence[RunInput]:
    """Those of an array: a single one whose value is a JSON array holds them all."""
    if len(given) != 1 or is_list(items):
        return given
    only = given[0]
    if not isinstance(only, InputValue) or not isinstance(only.value, list):
        return given
    return [InputValue(item) for item in only.value]


def _path_of(value: FileObject) -> Path:
    return Path(unquote(urlsplit(value["location"]).path))
