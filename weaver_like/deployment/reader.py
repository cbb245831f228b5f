"""Reading application packages: in a child that is warm and holds nothing, where a hostile package ends without harm."""

import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from weaver_like.domain.errors import FetchFailed, FetchTooLarge, InvalidPackage, ServerBusy, TooLarge
from weaver_like.domain.package import PackageFiles
from weaver_like.sandbox.children import Child, ChildExit, Children, ZygoteLost

_LIMIT_S = 60.0
_MEMORY_BYTES = 1 << 30
_MODULE = "weaver_like.runners.cwl.document.inspect"


class PackageReader:
    """One warm child-maker for this OS process, started with the first package. Any thread may call; one package at a time is read."""

    def __init__(self, cache_dir: Path):
        self.cache_dir = cache_dir
        self._children = Children([_MODULE], cache_dir)
        self._turn = threading.Lock()

    def read(self, files: PackageFiles, fetch: Callable[[str, Path], str]) -> dict:
        """What the package holds: {"processes", "files", "remote", "warnings"}, or why it is refused: {"refused", "faults", "kind"}.

        fetch: URL and a file for it -> text; raises FetchFailed.
        Raises: InvalidPackage, TooLarge, ServerBusy.
        """
        return self._ask(
            {"files": files.content, "main": files.main, "wanted": list(files.wanted), "origin": files.origin}, fetch
        )

    def parse(self, texts: dict[str, str]) -> dict[str, object]:
        """YAML or JSON, name -> base64, as plain values; what is neither is left out. Raises: InvalidPackage, ServerBusy."""
        return self._ask({"texts": texts}, _fetch_nothing)["documents"]

    def _ask(self, request: dict, fetch: Callable[[str, Path], str]) -> dict:
        if not self._turn.acquire(timeout=_LIMIT_S):
            raise ServerBusy("Other packages are being read.", retry_after_s=10)
        folder = self.cache_dir / f"package-{uuid.uuid4()}"
        try:
            folder.mkdir()
            request |= {"runner": _MODULE, "workdir": str(folder), "memory_limit_bytes": _MEMORY_BYTES}
            return self._read(request, lambda url: fetch(url, folder / "fetched"))
        except OSError as error:  # of this machine: no process, no descriptor, no space is left
            raise ServerBusy(f"Packages cannot be read now: {error.strerror}.", retry_after_s=10) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._turn.release()

    def close(self) -> None:
        """End the child-maker and what it is doing."""
        self._children.stop()

    def _read(self, request: dict, fetch: Callable[[str], str]) -> dict:
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

    def _attend(self, child: Child, fetch: Callable[[str], str]) -> dict | None:
        """What the child found; None if it ended without, was too slow or too large."""
        deadline, found, failed = time.monotonic() + _LIMIT_S, None, None
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                child.signal(signal.SIGKILL)
            for event in child.events(max(0.05, left)):
                if isinstance(event, ChildExit):
                    if failed and "MemoryError" not in failed:
                        raise InvalidPackage(f"The package cannot be read: {failed}")
                    return found
                if isinstance(event, dict):
                    found, failed = event.get("done", found), event.get("failed", {}).get("detail", failed)
                    if "fetch" in event:
                        child.send(_fetched(str(event["fetch"]), fetch))


def _fetch_nothing(url: str, _target: Path) -> str:
    raise FetchFailed(f"'{url[:200]}' is not wanted here.")


def _fetched(url: str, fetch: Callable[[str], str]) -> dict:
    try:
        return {"text": fetch(url)}
    except FetchTooLarge as error:
        raise TooLarge(error.detail) from error
    except FetchFailed as error:
        return {"error": error.detail}
