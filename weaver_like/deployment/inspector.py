"""Inspecting packages in a child that is warm and holds nothing, where a hostile package does no harm."""

import base64
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weaver_like.deployment.documents import as_yaml
from weaver_like.deployment.offered import Describe, describe_nothing
from weaver_like.deployment.reader import Fetch
from weaver_like.domain.errors import FetchFailed, FetchTooLarge, InvalidPackage, ServerBusy, TooLarge
from weaver_like.domain.inspection import Inspection, Refusal
from weaver_like.domain.messages import (
    DescribeProcess,
    DocumentFetched,
    Failed,
    FetchDocument,
    Inspected,
    RequestRefused,
)
from weaver_like.domain.package import PackageFiles
from weaver_like.sandbox.children import Child, Children, ZygoteLost
from weaver_like.sandbox.members import Nursery
from weaver_like.sandbox.messages import ChildExit, ChildLimits, ChildRequest, InspectPackage, ParseTexts
from weaver_like.schemas.inspection import parse_inspection

_LIMIT_S = 60.0
_MEMORY_BYTES = 1 << 30


class Inspector:
    """One warm child-maker for this OS process, started with the first package.

    Any thread may call; one package is read at a time.

    Args:
        nursery: forks the child-maker.
        module: its `run_in_child` inspects packages and reads YAML.
        beside: further modules with the same large libraries: what is warm for one is for the other.
        describe: tells packages of processes of this server.
    """

    def __init__(
        self,
        nursery: Nursery,
        module: str,
        cache_dir: Path,
        describe: Describe = describe_nothing,
        beside: Sequence[str] = (),
    ):
        self._module = module
        self._describe = describe
        self._cache_dir = cache_dir
        self._children = Children(nursery, [module, *beside], cache_dir, name="wl-reader")
        self._turn = threading.Lock()

    def inspect(self, files: PackageFiles, fetch: Fetch) -> Inspection | Refusal:
        """What a package holds, or why it is refused.

        Raises: InvalidPackage, if it takes too much time or memory; TooLarge, ServerBusy.
        """
        task = InspectPackage(encoded(files.content), files.main, files.wanted, files.origin, files.server)
        return parse_inspection(self._ask(task, fetch))

    def parse(self, texts: Mapping[str, bytes]) -> dict[str, Any]:
        """YAML or JSON, by name, as plain values; what is neither is left out. Raises: InvalidPackage, ServerBusy."""
        task = ParseTexts(encoded({name: as_yaml(text) for name, text in texts.items()}))
        documents: dict[str, Any] = self._ask(task, _fetch_nothing)["documents"]
        return documents

    def close(self) -> None:
        """End the child-maker and what it is doing."""
        self._children.stop()

    def _ask(self, task: InspectPackage | ParseTexts, fetch: Fetch) -> dict[str, Any]:
        if not self._turn.acquire(timeout=_LIMIT_S):
            raise ServerBusy("Other packages are being read.", retry_after_s=10)
        folder = self._cache_dir / f"package-{uuid.uuid4()}"
        try:
            folder.mkdir()
            limits = ChildLimits(memory_bytes=_MEMORY_BYTES)
            return self._answer(ChildRequest(self._module, str(folder), task, limits), fetch)
        except OSError as error:  # of this machine: it has no process, no descriptor or no space left
            raise ServerBusy(f"Packages cannot be read now: {error.strerror}.", retry_after_s=10) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._turn.release()

    def _answer(self, request: ChildRequest, fetch: Fetch) -> dict[str, Any]:
        try:
            child = self._children.fork(request)
        except ZygoteLost:
            child = self._children.fork(request)
        try:
            found = self._attend(child, fetch)
        except ZygoteLost:
            self._children.stop()
            found = None
        except BaseException:
            self._children.stop()
            raise
        finally:
            child.close()
        if found is None:
            raise InvalidPackage(f"The package could not be read within {_LIMIT_S:g} s and {_MEMORY_BYTES >> 20} MiB.")
        return found

    def _attend(self, child: Child, fetch: Fetch) -> dict[str, Any] | None:
        """What the child found; None if it ended without, was too slow or too large."""
        deadline = time.monotonic() + _LIMIT_S
        found: dict[str, Any] | None = None
        failure: Failed | None = None
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                child.signal(signal.SIGKILL)
            for event in child.events(max(0.05, left_s)):
                match event:
                    case ChildExit():
                        if failure is not None and not failure.out_of_memory:
                            raise InvalidPackage(f"The package cannot be read: {failure.detail}")
                        return found
                    case FetchDocument(url):
                        child.answer(_fetched(url, fetch))
                    case DescribeProcess(reference):
                        child.answer(self._describe(reference))
                    case Inspected(document):
                        found = document
                    case Failed():
                        failure = event


def encoded(content: Mapping[str, bytes]) -> dict[str, str]:
    """Files in base64, for JSON."""
    return {name: base64.b64encode(file).decode() for name, file in content.items()}


def _fetch_nothing(url: str) -> str:
    raise FetchFailed(f"'{url[:200]}' is not expected here.")


def _fetched(url: str, fetch: Fetch) -> DocumentFetched | RequestRefused:
    try:
        return DocumentFetched(as_yaml(fetch(url).encode()).decode())
    except FetchTooLarge as error:
        raise TooLarge(error.detail) from error
    except FetchFailed as error:
        return RequestRefused(error.detail)
