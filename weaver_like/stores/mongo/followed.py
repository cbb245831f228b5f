"""MongoFollowedRuns: runs of jobs in foreign systems, a document for each."""

from datetime import datetime

from pymongo import ReturnDocument

from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import Job, micros_of
from weaver_like.domain.status import Status
from weaver_like.stores.base import FollowedRuns
from weaver_like.stores.codec import moment_of
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Document, MongoDatabase


class MongoFollowedRuns(FollowedRuns):
    """A document besides that of the job, which it may outlive."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def begin(self, run: FollowedRun) -> FollowedRun | None:
        """The job may be lost between the two commands: a run whose job nobody holds is ended like any other."""
        new = run_document(run)
        del new["_id"], new["attempt"]
        taken = {"$set": {"attempt": run.attempt}, "$setOnInsert": new}
        with self._database.using() as found:
            if found.jobs.find_one(_held(run.job_id, run.attempt), ["_id"]) is None:
                return None
            earlier = found.followed.find_one_and_update(
                {"_id": run.job_id}, taken, upsert=True, return_document=ReturnDocument.BEFORE
            )
        return load_run(earlier) if earlier else run

    def hand_over(self, job_id: str, attempt: int, handle: str, deadline: datetime | None) -> bool:
        """The handle comes first: after a crash in between, the next worker finds it and starts nothing."""
        known = {"handle": handle, "deadline": None if deadline is None else micros_of(deadline)}
        with self._database.using() as found:
            found.followed.update_one({"_id": job_id, "attempt": attempt}, {"$set": known})
            let_go = found.jobs.update_one(_held(job_id, attempt), {"$unset": {"worker": "", "lease": ""}})
        return let_go.matched_count == 1

    def find(self) -> list[tuple[FollowedRun, Job | None]]:
        """A run that is handed over between the two queries is found the next time, with its handle."""
        with self._database.using() as found:
            runs = [load_run(row) for row in found.followed.find()]
            wanted = {"_id": {"$in": [run.job_id for run in runs]}}
            rows = {row["_id"]: row for row in found.jobs.find(wanted, [*codec.JOB_FIELDS, "lease"])} if runs else {}
        return [
            (run, codec.read_job(rows[run.job_id]) if run.job_id in rows else None)
            for run in runs
            if _is_unheld(run, rows.get(run.job_id))
        ]

    def forget(self, job_id: str) -> None:
        with self._database.using() as found:
            found.followed.delete_one({"_id": job_id})


def _held(job_id: str, attempt: int) -> Document:
    return {"_id": job_id, "status": "running", "attempt": attempt}


def _is_unheld(run: FollowedRun, job: Document | None) -> bool:
    if job is None or Status(job["status"]).final:
        return True
    return job["status"] == "running" and "lease" not in job and run.handle is not None


def run_document(run: FollowedRun) -> Document:
    """The document of a run."""
    return {
        "_id": run.job_id,
        "runner": run.runner,
        "attempt": run.attempt,
        "begun": micros_of(run.begun),
        "handle": run.handle,
        "deadline": None if run.deadline is None else micros_of(run.deadline),
    }


def load_run(row: Document) -> FollowedRun:
    """The run of a document."""
    return FollowedRun(
        row["_id"],
        row["runner"],
        row["attempt"],
        moment_of(row["begun"]),
        row["handle"],
        moment_of(row["deadline"]),
    )
