"""Results of a job."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from weaver_like.domain.formats import Format


@dataclass(frozen=True, slots=True)
class Result:
    """One item of one output: a JSON value, or a file in the output area.

    Args:
        path: of a file, pseudo-relative, "/<job id>/<output id>/<file name>": it survives a move of the area
            (docs/results.rst).
        index: position, where an output has several files.
        references: places of pseudo-relative references in `value` (domain/references.py).
    """

    output: str
    value: object = None
    path: str | None = None
    format: Format = field(default_factory=Format)
    size_bytes: int = 0
    index: int | None = None
    references: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A result file, ready to be read.

    etag: with its quotes.  modified: aware, UTC.  read: (first, length) -> chunks, opened when they are asked for.
    """

    name: str
    size_bytes: int
    etag: str
    modified: datetime
    read: Callable[[int, int], Iterator[bytes]]

    def chunks(self, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `first` on, all or `length` of them; every chunk but the last one has the same length."""
        if length is None:
            length = self.size_bytes - first
        return self.read(first, length)
