"""Results of a job."""

from dataclasses import dataclass, field

from weaver_like.domain.formats import Format


@dataclass(frozen=True, slots=True)
class Result:
    """One item of one output: a JSON value, or a file in the output area.

    path: pseudo-relative, "/<job id>/<output id>/<file name>": it survives a move of the area (docs/results.rst); None for
    a value.  index: position, where an output has several files, else None.
    references: where in `value` pseudo-relative references stand (domain/references.py).
    """

    output: str
    value: object = None
    path: str | None = None
    format: Format = field(default_factory=Format)
    size_bytes: int = 0
    index: int | None = None
    references: tuple[tuple[str | int, ...], ...] = ()
