"""Inputs as the worker staged them -> the job order of CWL."""

import base64
import binascii
import lzma
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cwltool.errors import WorkflowException
from cwltool.process import Process, shortname

from weaver_like.domain.formats import essence, extension_of, media_type_of
from weaver_like.domain.messages import InputFile, InputReference, InputValue, RunInput
from weaver_like.runners.cwl.document.formats import cwl_format, media_type_of_format
from weaver_like.schemas.jsontext import dumps

CwlType = str | list | dict
_FILE_FIELDS = ("class", "location", "basename", "format", "contents", "secondaryFiles", "size", "checksum")

#: What archives raise that are broken, encrypted, packed in an unknown way, or have folders without end in each other.
_UNPACKING = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def job_order(tool: Process, staged: Mapping[str, Sequence[RunInput]], folder: Path) -> dict:
    """folder: where values become files. An input that was not given is left out: CWL puts its default there.

    Raises: WorkflowException, naming the input.
    """
    order = {}
    for port in tool.tool["inputs"]:
        name = shortname(port["id"])
        reader = _Reader(port, folder / f"{name}-given")
        if name in staged:
            order[name] = reader.read(staged[name])
        elif "default" not in port and is_list(port["type"]) and not is_optional(port["type"]):
            order[name] = []  # nothing can be told from an array without items
    return order


def is_optional(kind: CwlType) -> bool:
    return kind in ("null", "Any") or (isinstance(kind, list) and "null" in kind)


def bare(kind: CwlType) -> CwlType:
    """The type without its `null`; a union of one is that one."""
    if isinstance(kind, list):
        rest = [part for part in kind if part != "null"]
        return rest[0] if len(rest) == 1 else rest
    return kind


def is_list(kind: CwlType) -> bool:
    """True for an array, whose items are the occurrences of an input."""
    kind = bare(kind)
    return isinstance(kind, dict) and kind.get("type") == "array"


def _occurrences(given: Sequence[RunInput], items: CwlType) -> Sequence[RunInput]:
    """Those of an array: a single one whose value is a JSON array holds them all."""
    if len(given) != 1 or is_list(items):
        return given
    only = given[0]
    if not isinstance(only, InputValue) or not isinstance(only.value, list):
        return given
    return [InputValue(item) for item in only.value]


class _Reader:
    """One input of a tool."""

    def __init__(self, port: dict, folder: Path):
        self._port = port
        self._folder = folder

    def read(self, given: Sequence[RunInput]) -> object:
        kind = self._port["type"]
        if is_list(kind):
            items = bare(kind)["items"]
            return [self._convert(one, items, number) for number, one in enumerate(_occurrences(given, items))]
        return self._convert(given[0], kind, 0) if given else None

    def _convert(self, entry: RunInput, kind: CwlType, number: int) -> object:
        if isinstance(entry, InputReference):
            raise WorkflowException(f"Input '{shortname(self._port['id'])}' was not fetched.")
        wanted = bare(kind)
        options = wanted if isinstance(wanted, list) else [wanted]
        if isinstance(entry, InputFile):
            if "Directory" in options and "File" not in options:
                return self._unpacked(Path(entry.path))
            return self._file(Path(entry.path), entry.media_type)
        value = entry.value
        if isinstance(value, str) and "string" not in options and not _names_enum(options, value):
            if "File" in options:
                return self._literal(value, entry, number)
            if "Directory" in options:
                return self._unpacked(Path(self._literal(value, entry, number)["location"].removeprefix("file://")))
        if (
            isinstance(value, dict)
            and value.get("class") not in ("File", "Directory")
            and "File" in options
            and len(options) == 1
        ):
            return self._text(value, entry, number)
        found = self._objects(value)
        if not isinstance(found, dict) or found.get("class") != "File" or "format" in found:
            return found
        # As for a link: without a format of its own, it is taken for what the input wants.
        return found | self._format(None, str(value.get("basename") or value.get("location", "")))

    def _objects(self, value: object) -> object:
        """CWL's own objects, at any depth: names are completed, archives become directories."""
        if isinstance(value, list):
            return [self._objects(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class") == "File":
            return self._own_file(value)
        if value.get("class") == "Directory":
            location = value.get("location", "")
            if location and "listing" not in value:
                return self._unpacked(Path(unquote(urlsplit(location).path))) | {
                    key: value[key] for key in ("basename",) if key in value
                }
            return value | {"listing": [self._objects(entry) for entry in value.get("listing", [])]}
        return {key: self._objects(item) for key, item in value.items()}

    def _own_file(self, value: dict) -> dict:
        given = {key: item for key, item in value.items() if key in _FILE_FIELDS}
        if not {"location", "contents"} & given.keys():
            raise WorkflowException(
                f"Invalid job input record: a File of input '{shortname(self._port['id'])}' has neither location nor contents."
            )
        if "secondaryFiles" in given:
            given["secondaryFiles"] = self._objects(given["secondaryFiles"])
        if "contents" in given and not given.get("location"):
            given.setdefault("basename", f"{shortname(self._port['id'])}.txt")
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

    def _file(self, path: Path, media_type: str | None) -> dict:
        return {"class": "File", "location": path.as_uri(), "basename": path.name} | self._format(media_type, path.name)

    def _format(self, media_type: str | None, name: str = "") -> dict:
        """The format of the input that fits a media type, else a file name: a tool that declares formats refuses files without one."""
        declared = self._port.get("format")
        known = declared if isinstance(declared, list) else [declared] if declared else []
        kinds = [essence(kind) for kind in (media_type, media_type_of(name)) if kind]
        fitting = [one for kind in kinds for one in known if media_type_of_format(one) == kind]
        chosen = (
            fitting or [one for one in known if "$(" not in one] or ([cwl_format(media_type)] if media_type else [])
        )[:1]
        return {"format": chosen[0]} if chosen else {}

    def _literal(self, text: str, entry: InputValue, number: int) -> dict:
        """A file given by value: base64, unless its media type is one of text."""
        media_type = entry.media_type or ""
        is_text = entry.encoding != "base64" and self._described_as_text(media_type)
        try:
            return self._write(text.encode() if is_text else base64.b64decode(text), media_type, number)
        except binascii.Error as error:
            raise WorkflowException(
                f"Expected value of '{shortname(self._port['id'])}' as base64 (RFC 4648), which it is not: {error}."
            ) from error

    def _described_as_text(self, media_type: str) -> bool:
        declared = self._port.get("format")
        kinds = (
            [media_type]
            if media_type
            else [
                media_type_of_format(one) or ""
                for one in (declared if isinstance(declared, list) else [declared])
                if one
            ]
        )
        return bool(kinds) and kinds[0].startswith("text/")

    def _text(self, value: dict, entry: InputValue, number: int) -> dict:
        return self._write(dumps(value), entry.media_type or "application/json", number)

    def _write(self, content: bytes, media_type: str, number: int) -> dict:
        folder = self._folder / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{shortname(self._port['id'])}{extension_of(media_type)}"
        path.write_bytes(content)
        return self._file(path, media_type)

    def _unpacked(self, archive: Path) -> dict:
        target = self._folder / archive.name.partition(".")[0]
        while target.exists():
            target = target.with_name(target.name + "_")
        unpack(archive, target)
        return {"class": "Directory", "location": target.as_uri(), "basename": target.name}


def _names_enum(options: list, value: str) -> bool:
    return any(
        isinstance(option, dict) and option.get("type") == "enum" and value in map(shortname, option["symbols"])
        for option in options
    )


def unpack(archive: Path, target: Path) -> None:
    """A ZIP or tar archive -> a folder. Raises: WorkflowException; members that lead out of the folder are refused."""
    target.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                for name in _safe_names(archive.name, opened.namelist()):
                    opened.extract(name, target)
        else:
            with tarfile.open(archive) as opened:
                opened.extractall(target, filter="data")
    except _UNPACKING as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise WorkflowException(
            f"The archive '{archive.name}' cannot be unpacked: {reason}; a ZIP or tar archive is wanted."
        ) from error


def _safe_names(archive: str, names: list[str]) -> Iterator[str]:
    for name in names:
        if name.startswith("/") or ".." in name.split("/"):
            raise WorkflowException(
                f"The archive '{archive}' has a member '{name[:200]}' that leads out of its folder."
            )
        yield name
