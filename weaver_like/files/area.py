"""Interface of the output area: results in files, and the pseudo-relative references to them."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from weaver_like.domain.errors import NotFound, RunFailed
from weaver_like.domain.ids import safe_file_name
from weaver_like.domain.results import StoredFile

#: Length of every chunk but the last one; a multiple of 3, so that pieces of base64 can be joined.
CHUNK_BYTES = 3 << 16


@dataclass(frozen=True, slots=True)
class Published:
    """A file that the area has taken."""

    reference: str
    size_bytes: int


class OutputArea(ABC):
    """Where results are kept: a folder or a bucket. Any thread may call.

    A reference is "/<job id>/<output id>/<file name>": settings may change between restarts, and only this form
    survives (docs/results.rst).
    """

    @abstractmethod
    def publish(self, job_id: str, output: str, path: Path, proceed: Callable[[], None]) -> Published:
        """Take a regular file, without copying where that is possible. It is there whole or not at all.

        proceed: called now and then; it raises to stop, e.g. when the job was dismissed.
        Raises: RunFailed with the reason, e.g. no space; whatever `proceed` raises.
        """

    @abstractmethod
    def get(self, reference: str) -> StoredFile:
        """The file behind a reference.

        Raises: NotFound, also for references that lead out of the area; Unavailable.
        """

    def bring(self, reference: str, target: Path, proceed: Callable[[], None]) -> StoredFile:
        """Have a file of the area at the place `target` of this machine, which is free, without copying where possible.

        It may be the very file of the area then: it is for reading only.

        Raises: NotFound, Unavailable; OSError; whatever `proceed` raises.
        """
        stored = self.get(reference)
        with target.open("xb") as copy:
            for chunk in stored.chunks():
                proceed()
                copy.write(chunk)
        return stored

    @abstractmethod
    def trouble(self) -> str | None:
        """Why no file can be kept here now, in a few words, without names or addresses; None if one can.

        It may hang as long as a dead network disk does.
        """

    @abstractmethod
    def discard(self, reference: str) -> None:
        """Remove one file; nothing happens if it has gone. Raises: Unavailable."""

    @abstractmethod
    def remove(self, job_id: str) -> None:
        """Remove every file of a job. Raises: Unavailable."""


def places(job_id: str, output: str, path: Path) -> Iterator[str]:
    """Yield the references that a file may get, without end; the first free one is for it."""
    folder, name = f"/{job_id}/{safe_file_name(output, 'output')}", safe_file_name(path.name)
    yield f"{folder}/{name}"
    yield from (f"{folder}/{number}-{name}" for number in itertools.count(2))


def check_reference(reference: str) -> None:
    """Refuse a text that cannot be a reference: none of our names is empty or begins with a dot.

    Raises: NotFound.
    """
    parts = reference.split("/")
    if len(parts) != 4 or parts[0] or any(not part or part.startswith(".") or "\0" in part for part in parts[1:]):
        raise no_such_file(reference)


def no_such_file(reference: str) -> NotFound:
    return NotFound(f"There is no result file '{reference[:200]}'.")


def not_kept(output: str, path: Path, reason: str) -> RunFailed:
    """The error of a job whose file could not be published."""
    return RunFailed(f"Output '{output}' (file '{path.name}') could not be saved: {reason}.")
