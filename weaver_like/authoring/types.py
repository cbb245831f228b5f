"""Types that a process takes and gives beside Python's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaver_like.domain.crs import CRS84


@dataclass(frozen=True, slots=True)
class File:
    """A file in the job's work folder: an input that was fetched or written there, or an output to publish."""

    path: Path
    media_type: str | None = None

    def read_bytes(self) -> bytes:
        return Path(self.path).read_bytes()

    def read_text(self, encoding: str = "utf-8") -> str:
        return Path(self.path).read_text(encoding)


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """4 or 6 numbers: lower corner, then upper corner. crs: URI, or None where the client gave none (CRS84).

    Source: OGC 18-062r2, bbox.yaml.
    """

    bbox: tuple[float, ...]
    crs: str | None = None

    @property
    def crs_uri(self) -> str:
        return self.crs or CRS84

    def to_json(self) -> dict[str, Any]:
        return {"bbox": list(self.bbox)} | ({"crs": self.crs} if self.crs else {})
