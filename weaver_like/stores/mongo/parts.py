"""Large values of jobs: inside the job's document while they are small, else in chunks beside it."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from weaver_like.domain.errors import NoSuchJob
from weaver_like.stores.codec import to_micros
from weaver_like.stores.mongo.connection import Collections

#: Values up to this size stay inside the document.
SMALL_BYTES = 16 * 1024
#: A document of MongoDB has at most 16 MiB.
_CHUNK_BYTES = 8 * 2**20
NAMES = ("execution", "followers", "results", "error", "traceback", "statistics")


class Parts:
    """The large values of one write. Chunks come first, under a tag of their own, and are loose until a document refers to them.

    So a late writer never touches what another one's document refers to, and what a crash leaves is found by `sweep`.
    """

    def __init__(self, found: Collections):
        self._found = found
        self._written: list[dict] = []

    def put(self, job_id: str, values: Mapping[str, bytes | None]) -> dict[str, object]:
        """The fields of the job's document: name -> the value itself, or where it is; None is left out."""
        fields: dict[str, object] = {name: value for name, value in values.items() if value is not None}
        large = {name: value for name, value in fields.items() if len(value) > SMALL_BYTES}
        if not large:
            return fields
        tag, loose = secrets.token_hex(8), to_micros(datetime.now(UTC))
        self._written.append({"job": job_id, "tag": tag})
        for name, value in large.items():
            starts = range(0, len(value), _CHUNK_BYTES)
            self._found.parts.insert_many(
                [
                    {
                        "job": job_id,
                        "tag": tag,
                        "part": name,
                        "n": n,
                        "loose": loose,
                        "data": value[start : start + _CHUNK_BYTES],
                    }
                    for n, start in enumerate(starts)
                ]
            )
            fields[name] = {"tag": tag, "chunks": len(starts)}
        return fields

    def keep(self) -> None:
        """The documents refer to them now."""
        for written in self._written:
            self._found.parts.update_many(written, {"$unset": {"loose": ""}})

    def drop(self) -> None:
        """No document will ever refer to them."""
        for written in self._written:
            self._found.parts.delete_many(written)


def size_of(document: Mapping) -> int:
    """Bytes of a job's large values, at the most."""
    values = (document.get(name) for name in NAMES)
    return sum(value["chunks"] * _CHUNK_BYTES if isinstance(value, dict) else len(value or b"") for value in values)


def load_parts(found: Collections, document: Mapping, names: Iterable[str]) -> dict[str, bytes | None]:
    """Values of a job's document by name. Raises: NoSuchJob, if the job is just being deleted."""
    return {name: _load(found, document["_id"], name, document.get(name)) for name in names}


def _load(found: Collections, job_id: str, name: str, value: bytes | dict | None) -> bytes | None:
    if not isinstance(value, dict):
        return value
    chunks = [row["data"] for row in found.parts.find({"job": job_id, "tag": value["tag"], "part": name}).sort("n")]
    if len(chunks) != value["chunks"]:
        raise NoSuchJob(f"Job '{job_id}' was deleted.")
    return b"".join(chunks)


def sweep(found: Collections, before: datetime) -> None:
    """Remove chunks that were written before a moment and that no document refers to: what a crash in between left."""
    left = found.parts.aggregate(
        [{"$match": {"loose": {"$lt": to_micros(before)}}}, {"$group": {"_id": {"job": "$job", "tag": "$tag"}}}]
    )
    for row in left:
        written = row["_id"]
        document = found.jobs.find_one({"_id": written["job"]}, list(NAMES)) or {}
        if any(isinstance(document.get(name), dict) and document[name]["tag"] == written["tag"] for name in NAMES):
            found.parts.update_many(written, {"$unset": {"loose": ""}})
        else:
            found.parts.delete_many(written)
