"""Values of jobs that may be large: small ones are in the job's document, others in chunks of a collection."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.job import micros_of
from weaver_like.stores.mongo.connection import Collections, Document

#: Values up to this size stay inside the document.
SMALL_BYTES = 16 * 1024
#: A document of MongoDB has at most 16 MiB.
_CHUNK_BYTES = 8 * 2**20
NAMES = ("execution", "followers", "results", "error", "traceback", "statistics")


class Parts:
    """The large values of one write.

    Chunks are written first, under a tag of their own, and are loose until a document refers to them. So a late
    writer never touches the chunks of another one, and `sweep` finds those that a crash left.
    """

    def __init__(self, found: Collections):
        self._found = found
        self._written: list[Document] = []

    def put(self, job_id: str, values: Mapping[str, bytes | None]) -> Document:
        """Store values; the fields of the job's document: name -> the value, or where it is; None is left out."""
        present = {name: value for name, value in values.items() if value is not None}
        large = {name: value for name, value in present.items() if len(value) > SMALL_BYTES}
        if not large:
            return dict(present)
        tag, loose = secrets.token_hex(8), micros_of(datetime.now(UTC))
        self._written.append({"job": job_id, "tag": tag})
        fields: Document = dict(present)
        for name, value in large.items():
            chunk = {"job": job_id, "tag": tag, "part": name, "loose": loose}
            pieces = [value[start : start + _CHUNK_BYTES] for start in range(0, len(value), _CHUNK_BYTES)]
            self._found.parts.insert_many([chunk | {"n": n, "data": piece} for n, piece in enumerate(pieces)])
            fields[name] = {"tag": tag, "chunks": len(pieces)}
        return fields

    def keep(self) -> None:
        """Mark the chunks as kept: documents refer to them now."""
        for written in self._written:
            self._found.parts.update_many(written, {"$unset": {"loose": ""}})

    def drop(self) -> None:
        """Remove the chunks: no document will refer to them."""
        for written in self._written:
            self._found.parts.delete_many(written)


def size_of(document: Mapping[str, Any]) -> int:
    """Bytes of a job's large values, at the most."""
    return sum(_size_of(document.get(name)) for name in NAMES)


def _size_of(value: bytes | Document | None) -> int:
    if isinstance(value, dict):
        return int(value["chunks"]) * _CHUNK_BYTES
    return len(value or b"")


def load_parts(found: Collections, document: Mapping[str, Any], names: Iterable[str]) -> dict[str, bytes | None]:
    """Values of a job's document by name. Raises: NoSuchJob, if the job is just being deleted."""
    return {name: _load(found, document["_id"], name, document.get(name)) for name in names}


def _load(found: Collections, job_id: str, name: str, value: bytes | Document | None) -> bytes | None:
    if not isinstance(value, dict):
        return value
    chunks = [row["data"] for row in found.parts.find({"job": job_id, "tag": value["tag"], "part": name}).sort("n")]
    if len(chunks) != value["chunks"]:
        raise NoSuchJob(f"Job '{job_id}' was deleted.")
    return b"".join(chunks)


def sweep(found: Collections, before: datetime) -> None:
    """Remove chunks older than a moment that no document refers to: a crash left them."""
    left = found.parts.aggregate(
        [{"$match": {"loose": {"$lt": micros_of(before)}}}, {"$group": {"_id": {"job": "$job", "tag": "$tag"}}}]
    )
    for row in left:
        written = row["_id"]
        document = found.jobs.find_one({"_id": written["job"]}, list(NAMES)) or {}
        if any(isinstance(document.get(name), dict) and document[name]["tag"] == written["tag"] for name in NAMES):
            found.parts.update_many(written, {"$unset": {"loose": ""}})
        else:
            found.parts.delete_many(written)
