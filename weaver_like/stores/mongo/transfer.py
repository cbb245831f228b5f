"""MongoJobTransfer: reads and writes whole jobs, to copy them between stores."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pymongo import ReplaceOne

from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import LogEntry, StoredJob
from weaver_like.domain.step import Step
from weaver_like.stores.base import EXPORT_BYTES, JobTransfer
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase
from weaver_like.stores.mongo.followed import load_run, run_document
from weaver_like.stores.mongo.logs import whole_log
from weaver_like.stores.mongo.migrate import BY_CREATED
from weaver_like.stores.mongo.parts import NAMES, Parts, size_of
from weaver_like.stores.mongo.repair import release_next
from weaver_like.stores.mongo.steps import load_step, step_documents


class MongoJobTransfer(JobTransfer):
    """Reads and writes the collections of the jobs, all documents of a batch together."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def export(self, after: tuple[int, str] | None, limit: int) -> list[StoredJob]:
        """First releases followers that a crash left in the documents of other jobs: they are jobs too."""
        later: Document = {}
        if after:
            created, job_id = after
            later = {"created": {"$gte": created}, "$or": [{"created": {"$gt": created}}, {"_id": {"$gt": job_id}}]}
        with self._database.using() as found:
            if after is None:
                release_next(found, {"next_jobs": {"$exists": True}})
            oldest_first = found.jobs.find(later).sort([("created", 1), ("_id", 1)]).hint(BY_CREATED).limit(limit)
            rows = _fitting(found, list(oldest_first))
            log, steps, runs = _logs(found, rows), _steps(found, rows), _runs(found, rows)
            return [
                replace(
                    codec.read_stored(found, row, log[row["_id"]]),
                    steps=tuple(steps[row["_id"], row["attempt"]]),
                    run=runs.get(row["_id"]),
                )
                for row in rows
            ]

    def put(self, stored: Sequence[StoredJob]) -> None:
        """Documents of jobs are written last and in order: each one, and all before it, are complete."""
        ids = [one.job.id for one in stored]
        lines = [
            codec.entry_row(entry) | {"job": one.job.id, "number": entry.number} for one in stored for entry in one.log
        ]
        steps = [document for one in stored for document in step_documents(one.job.id, one.job.attempt, one.steps)]
        with self._database.using() as found:
            parts = Parts(found)
            documents = [codec.stored_document(one, parts) for one in stored]
            for beside, new in ((found.logs, lines), (found.steps, steps)):
                beside.delete_many({"job": {"$in": ids}})
                if new:
                    beside.insert_many(new)
            found.followed.delete_many({"_id": {"$in": ids}})
            runs = [run_document(one.run) for one in stored if one.run]
            if runs:
                found.followed.insert_many(runs)
            if documents:
                found.jobs.bulk_write(
                    [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents]
                )
            parts.keep()
            for document in documents:
                tags = {document[name]["tag"] for name in NAMES if isinstance(document.get(name), dict)}
                found.parts.delete_many({"job": document["_id"], "tag": {"$nin": list(tags)}})


def _steps(found: Collections, rows: Sequence[Document]) -> dict[tuple[str, int], list[Step]]:
    """Steps by job and attempt."""
    steps = defaultdict(list)
    for row in found.steps.find({"job": {"$in": [row["_id"] for row in rows]}}, sort=[("job", 1), ("number", 1)]):
        steps[row["job"], row["attempt"]].append(load_step(row))
    return steps


def _runs(found: Collections, rows: Sequence[Document]) -> dict[str, FollowedRun]:
    """Runs in foreign systems by job."""
    wanted = {"_id": {"$in": [row["_id"] for row in rows]}}
    return {row["_id"]: load_run(row) for row in found.followed.find(wanted)}


def _logs(found: Collections, rows: Sequence[Document]) -> dict[str, list[LogEntry]]:
    """Whole logs by job."""
    lines = defaultdict(list)
    for line in found.logs.find({"job": {"$in": [row["_id"] for row in rows]}}):
        lines[line["job"]].append(line)
    return {row["_id"]: whole_log(row, lines[row["_id"]]) for row in rows}


def _fitting(found: Collections, rows: Sequence[Document]) -> list[Document]:
    """The first documents, up to `EXPORT_BYTES` of large values, log and steps, but at least one."""
    sizes = {row["_id"]: size_of(row) for row in rows}
    of_these = {"$match": {"job": {"$in": list(sizes)}}}
    lengths = {"$group": {"_id": "$job", "bytes": {"$sum": {"$strLenBytes": "$message"}}}}
    told = {"$group": {"_id": "$job", "bytes": {"$sum": {"$binarySize": "$document"}}}}
    for row in (*found.logs.aggregate([of_these, lengths]), *found.steps.aggregate([of_these, told])):
        sizes[row["_id"]] += row["bytes"]
    total_bytes = 0
    kept: list[Document] = []
    for row in rows:
        total_bytes += sizes[row["_id"]]
        if kept and total_bytes > EXPORT_BYTES:
            break
        kept.append(row)
    return kept
