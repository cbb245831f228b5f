"""MongoJobLogs: lines that come with a move are in the document of the job, all others in a collection."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReturnDocument

from weaver_like.domain.job import LogEntry
from weaver_like.stores.base import JobLogs
from weaver_like.stores.codec import no_such_job
from weaver_like.stores.mongo.codec import entry_row, read_entry
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase
from weaver_like.stores.mongo.parts import SMALL_BYTES

#: Size of a line without its text.
_LINE_BYTES = 60


class MongoJobLogs(JobLogs):
    """Lines are numbered by a counter in the job's document; a crash may leave a gap."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def append(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        with self._database.using() as found:
            change_with_lines(found, {"_id": job_id}, {}, entries)

    def read(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        with self._database.using() as found:
            job = get_fields(found, job_id, ["log"])
            later = {"job": job_id, "number": {"$gt": after}}
            rows = list(found.logs.find(later, sort=[("number", 1)], limit=limit, batch_size=limit))
        return [entry for entry in whole_log(job, rows) if entry.number > after][:limit]


def whole_log(job: Mapping[str, Any], rows: Sequence[Document]) -> list[LogEntry]:
    """The lines in a job's document and those of the collection, merged in order."""
    of_moves = [
        row | {"number": batch["after"] + offset}
        for batch in job.get("log", ())
        for offset, row in enumerate(batch["lines"], 1)
    ]
    return [read_entry(row) for row in sorted([*rows, *of_moves], key=lambda row: row["number"])]


def change_with_lines(found: Collections, held: Document, changes: Document, entries: Sequence[LogEntry]) -> bool:
    """Change the job that a filter finds, and add lines to its log; False, with no change, if there is none."""
    update: Document = {"$inc": {"lines": len(entries)}}
    if changes:
        update["$set"] = changes
    row = found.progress.find_one_and_update(held, update, ["lines"], return_document=ReturnDocument.AFTER)
    if row is not None and entries:
        first = row["lines"] - len(entries) + 1
        found.logs.insert_many(
            [entry_row(entry) | {"job": held["_id"], "number": number} for number, entry in enumerate(entries, first)]
        )
    return row is not None


def lines_of_move(found: Collections, movable: Document, entries: Sequence[LogEntry]) -> Document:
    """Expressions for the job's document, so that the lines come with the move.

    If the document would grow large, the lines are added before the move.
    """
    if sum(_LINE_BYTES + len(entry.message) for entry in entries) > SMALL_BYTES:
        change_with_lines(found, movable, {}, entries)
        return {}
    if not entries:
        return {}
    counted = {"$ifNull": ["$lines", 0]}
    batch = {"after": counted, "lines": {"$literal": [entry_row(entry) for entry in entries]}}
    return {"log": {"$concatArrays": [{"$ifNull": ["$log", []]}, [batch]]}, "lines": {"$add": [counted, len(entries)]}}


def get_fields(found: Collections, job_id: str, fields: Sequence[str]) -> Document:
    """Some fields of a job's document. Raises: NoSuchJob."""
    row = found.jobs.find_one({"_id": job_id}, list(fields))
    if row is None:
        raise no_such_job(job_id)
    return row
