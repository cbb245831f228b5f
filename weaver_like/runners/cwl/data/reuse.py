"""Work that was done already: what makes two steps the same, and taking the outputs of the one for the other."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.process import shortname

from weaver_like.files.stepcache import StepCache
from weaver_like.runners.cwl.data.paths import ConfinedFsAccess

log = logging.getLogger("cwltool")
#: What a file or a directory has beside its content that may depend on where it lies.
_PLACES = ("location", "path", "dirname", "size", "checksum", "nameroot", "nameext", "listing", "contents")
#: A command may say its outputs itself, in this file.
_OWN_OUTPUTS = "cwl.output.json"


class Reuse:
    """The cache, as one run uses it.

    Any thread may call. places: folders of this run; the first is the one it works in.
    """

    def __init__(self, cache: StepCache, places: tuple[str, ...]):
        self._cache = cache
        self._places = places
        self._digests: dict[tuple[int, int, int, str], str] = {}

    def key_of(self, job: JobBase, tool: Mapping[str, Any]) -> str | None:
        """The same for the same tool, requirements and inputs, by content; None if nothing can be said about it."""
        try:
            document = {key: value for key, value in tool.items() if key != "id"}
            parts = [
                self._plain(document),
                self._plain(job.requirements),
                self._plain(job.hints),
                self._content(job.joborder),
                self._content(job.generatefiles.get("listing", [])),
            ]
            return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
        except (OSError, TypeError, ValueError, WorkflowException) as error:
            log.warning("this step is not reused: %s", error)
            return None

    def take(self, outdir: str, key: str) -> int | None:
        """Fill an output folder with what was kept of the same step; the exit code of its command, None if nothing was.

        The copy is made beside the folder first, which holds what the command needs if nothing was kept.
        """
        beside = Path(f"{outdir}.reused")
        beside.mkdir()
        code = self._cache.get(key, beside)
        if code is None:
            shutil.rmtree(beside, ignore_errors=True)
            return None
        shutil.rmtree(outdir)
        os.rename(beside, outdir)
        return code

    def keep(self, outdir: str, key: str, code: int) -> None:
        """Keep the outputs of a step that was successful; whatever is in the way, that step was successful."""
        try:
            own = Path(outdir, _OWN_OUTPUTS)
            if own.is_file() and self._places[0].encode() in own.read_bytes():
                return  # it names folders of this run
            self._cache.put(key, Path(outdir), code, ConfinedFsAccess.roots.check)
        except (OSError, WorkflowException) as error:
            log.warning("the outputs of this step are not kept: %s", error)

    def _plain(self, value: object) -> Any:
        """A part of a document without the places where it lies."""
        if isinstance(value, Mapping):
            return {key: self._plain_member(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(item) for item in value]
        return self._without_places(value) if isinstance(value, str) else value

    def _plain_member(self, key: object, value: object) -> Any:
        if key == "id" and isinstance(value, str):
            return shortname(value)
        return self._plain(value)

    def _without_places(self, text: str) -> str:
        if text.startswith("_:"):  # what has no name gets another one in each run
            return ""
        for place in self._places:
            text = text.replace(place, "")
        return text

    def _content(self, value: object) -> Any:
        """A value whose files and directories are told by what they hold."""
        if isinstance(value, (list, tuple)):
            return [self._content(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("class") not in ("File", "Directory"):
            return {key: self._content(item) for key, item in value.items()}
        told = {key: self._content(item) for key, item in value.items() if key not in _PLACES}
        return told | {"digest": self._digest_of(value)}

    def _digest_of(self, value: Mapping[str, Any]) -> Any:
        """Of a File or Directory: of the one on disk, or of what is said of it."""
        location = str(value.get("location") or value.get("path") or "")
        here = unquote(urlsplit(location).path) if location and not location.startswith("_:") else ""
        if value.get("class") == "Directory":
            return self._folder(here) if here else self._content(value.get("listing", []))
        if here:
            return self._digest(here)
        return hashlib.sha256(str(value.get("contents", "")).encode()).hexdigest()

    def _folder(self, path: str) -> list[Any]:
        ConfinedFsAccess.roots.check(path)
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        return [
            [entry.name, self._folder(entry.path) if entry.is_dir() else self._digest(entry.path)] for entry in entries
        ]

    def _digest(self, path: str) -> str:
        ConfinedFsAccess.roots.check(path)
        found = os.stat(path)
        known = (found.st_ino, found.st_size, found.st_mtime_ns, path)
        if known not in self._digests:
            with open(path, "rb") as file:
                self._digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[known]
