"""Numbered migrations, each done once; indexes are made here."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from weaver_like.domain.errors import SettingError
from weaver_like.stores.mongo.connection import Collections, Document

#: Indexes of the jobs by name; a query names the one that it walks along.
BY_CREATED, BY_STATUS, BY_PROCESS, BY_PLACE, BY_QUEUE = (
    "jobs_by_created",
    "jobs_by_status",
    "jobs_by_process",
    "jobs_by_place",
    "jobs_by_queue",
)
BY_WRITTEN = "revisions_by_written"
#: Key of the document that says what is deployed.
OFFER = "offer"


def _create_indexes(found: Collections) -> None:
    """Only waiting jobs are in the indexes of the queue, and only jobs with callbacks or next jobs in theirs.

    The other jobs cost nothing there.
    """
    waiting = {"status": "accepted"}
    _index(found.jobs, BY_CREATED, "created", "_id")
    _index(found.jobs, BY_STATUS, "status", "created", "_id")
    _index(found.jobs, BY_PROCESS, "process", "status", "created", "_id")
    _index(found.jobs, BY_PLACE, "place", partialFilterExpression=waiting)
    _index(found.jobs, BY_QUEUE, "queue", "place", partialFilterExpression=waiting)
    for field in ("callbacks.due", "callbacks.id", "next_jobs"):
        _index(found.jobs, f"jobs_by_{field}", field, partialFilterExpression={field: {"$exists": True}})
    _index(found.logs, "logs_by_number", "job", "number", unique=True)
    _index(found.parts, "parts_by_tag", "job", "tag", "part", "n", unique=True)
    _index(found.parts, "parts_by_loose", "loose", sparse=True)


def _create_schedule_indexes(found: Collections) -> None:
    left = {"next_job._id": {"$exists": True}}
    _index(found.schedules, "schedules_by_created", "created", "_id")
    _index(found.schedules, "schedules_by_due", "due")
    _index(found.schedules, "schedules_by_next_job", "next_job._id", partialFilterExpression=left)


def _create_offer(found: Collections) -> None:
    """Make the document, while nothing is deployed, and an index that finds old revisions without their packages."""
    _index(found.revisions, BY_WRITTEN, "written", "_id")
    with suppress(DuplicateKeyError):
        found.offer.insert_one({"_id": OFFER, "number": 0, "current": [], "revisions": []})


def _create_step_index(found: Collections) -> None:
    _index(found.steps, "steps_by_number", "job", "number")


def _index(collection: Collection[Document], name: str, *fields: str, **options: Any) -> None:
    collection.create_index([(field, ASCENDING) for field in fields], name=name, **options)


#: A migration is never changed after a release; a new one takes the next number. Two processes may run the same one
#: at once.
MIGRATIONS: dict[int, Callable[[Collections], None]] = {
    1: _create_indexes,
    2: _create_schedule_indexes,
    3: _create_offer,
    4: _create_step_index,
}


def migrate(found: Collections) -> list[int]:
    """Apply missing migrations; their numbers. Raises: SettingError, if the database is of a newer release."""
    done = {row["_id"] for row in found.versions.find()}
    if max(done, default=0) > max(MIGRATIONS):
        raise SettingError(
            f"The store has schema {max(done)}; this release knows schemas up to {max(MIGRATIONS)}. "
            "Install the newer release."
        )
    applied = []
    for number in sorted(MIGRATIONS.keys() - done):
        MIGRATIONS[number](found)
        try:
            found.versions.insert_one({"_id": number, "applied": time.time_ns() // 1000})
        except DuplicateKeyError:  # another process applied it at the same moment
            continue
        applied.append(number)
    return applied
