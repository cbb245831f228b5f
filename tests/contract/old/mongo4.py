"""The MongoDB store of schema 4, as that release made it."""

from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from tests.contract.old import content

#: Collection, name, fields, options.
INDEXES: list[tuple[str, str, list[str], dict[str, Any]]] = [
    ("jobs", "jobs_by_created", ["created", "_id"], {}),
    ("jobs", "jobs_by_status", ["status", "created", "_id"], {}),
    ("jobs", "jobs_by_process", ["process", "status", "created", "_id"], {}),
    ("jobs", "jobs_by_place", ["place"], {"partialFilterExpression": {"status": "accepted"}}),
    ("jobs", "jobs_by_queue", ["queue", "place"], {"partialFilterExpression": {"status": "accepted"}}),
    *(
        ("jobs", f"jobs_by_{field}", [field], {"partialFilterExpression": {field: {"$exists": True}}})
        for field in ("callbacks.due", "callbacks.id", "next_jobs")
    ),
    ("job_logs", "logs_by_number", ["job", "number"], {"unique": True}),
    ("job_parts", "parts_by_tag", ["job", "tag", "part", "n"], {"unique": True}),
    ("job_parts", "parts_by_loose", ["loose"], {"sparse": True}),
    ("job_steps", "steps_by_number", ["job", "number"], {}),
    ("schedules", "schedules_by_created", ["created", "_id"], {}),
    ("schedules", "schedules_by_due", ["due"], {}),
    (
        "schedules",
        "schedules_by_next_job",
        ["next_job._id"],
        {"partialFilterExpression": {"next_job._id": {"$exists": True}}},
    ),
    ("process_revisions", "revisions_by_written", ["written", "_id"], {}),
]


def fill(url: str) -> None:
    """Make the indexes in an empty database, and write what it held."""
    with MongoClient(url) as client:
        database = client.get_default_database()
        for collection, name, fields, options in INDEXES:
            database[collection].create_index([(field, 1) for field in fields], name=name, **options)
        database.schema_version.insert_many([{"_id": number, "applied": 1} for number in range(1, 5)])
        _write_jobs(database)
        database.schedules.insert_many([_document(row) for row in content.SCHEDULE_ROWS])
        _write_revisions(database)
        database.leaders.insert_one({"_id": "housekeeper", "holder": "host", "until": 1})


def _document(row: dict[str, Any]) -> dict[str, Any]:
    """What a record does not have was left out."""
    filled = {name: value for name, value in row.items() if value is not None}
    return {"_id": filled.pop("id")} | filled


def _write_jobs(database: Database[dict[str, Any]]) -> None:
    jobs = {row["id"]: _document(row) for row in content.JOB_ROWS}
    for row in content.DOCUMENT_ROWS:
        jobs[row["job"]] |= {name: value for name, value in row.items() if value is not None and name != "job"}
    for job in jobs.values():
        if "subscriber" in job:
            job["subscriber"] = {"success": "http://s/ok", "failed": "http://s/bad"}
        if "traceback" in job:
            job["traceback"] = job["traceback"].encode()
        job["results"] = job.get("results", b"[]")
    for number, callback in enumerate(content.CALLBACK_ROWS):
        job_id = callback["job"]
        jobs[job_id]["callbacks"] = [{"id": 77 + number} | {k: v for k, v in callback.items() if k != "job"}]
    # A line that came with a move stands in the document, a large value beside it in chunks.
    *lines, of_move = [{name: value for name, value in row.items() if value is not None} for row in content.LOG_ROWS]
    del of_move["job"], of_move["number"]
    jobs["done"] |= {"log": [{"after": 0, "lines": [of_move]}], "lines": 1}
    jobs["lost"]["lines"] = 2
    chunk = {"job": "urgent", "tag": "c7522487b5f6dd71", "part": "execution", "n": 0}
    database.job_parts.insert_one(chunk | {"data": jobs["urgent"]["execution"]})
    jobs["urgent"]["execution"] = {"tag": chunk["tag"], "chunks": 1}
    database.job_logs.insert_many(lines)
    database.job_steps.insert_many([{"_id": f"{row['job']}/{row['number']}"} | row for row in content.STEP_ROWS])
    database.jobs.insert_many(list(jobs.values()))


def _write_revisions(database: Database[dict[str, Any]]) -> None:
    entries = []
    for number, row in enumerate(content.REVISION_ROWS):
        tag = f"29827e18c3280806a0b658f{number}"
        entries.append({"process": row["process"], "version": row["version"], "deployed": row["deployed"], "tag": tag})
        kept = {name: row[name] for name in ("deployed", "description", "media_type", "package")}
        database.process_revisions.insert_one({"_id": tag, "written": 1795983781210277} | kept)
    current = [{"process": "crop", "version": "2.0.0"}]
    database.process_offer.insert_one({"_id": "offer", "number": 2, "current": current, "revisions": entries})
