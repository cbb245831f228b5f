"""Completes what a crash between two commands left; cheap, as indexes contain only such jobs and chunks."""

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from weaver_like.domain.job import micros_of
from weaver_like.stores.mongo.connection import Collections, Document
from weaver_like.stores.mongo.parts import sweep

#: Longer than any writer needs between two commands: older leftovers are those of a crash.
_RELEASE_AFTER = timedelta(seconds=10)
_SWEEP_AFTER = timedelta(hours=1)


def repair(found: Collections, now: datetime) -> None:
    """Release followers, then sweep: the chunks of a follower would be swept before its release."""
    release_next(found, {"next_jobs": {"$exists": True}, "finished": {"$lt": micros_of(now - _RELEASE_AFTER)}})
    sweep(found, now - _SWEEP_AFTER)


def release_next(found: Collections, ended: Document) -> None:
    """Put the followers in the documents of ended jobs into the queue; safe to repeat.

    Args:
        ended: filter of these jobs.
    """
    for row in found.jobs.find(ended, ["next_jobs"]):
        for document in row.get("next_jobs", ()):
            try:
                found.jobs.insert_one(document)
            except DuplicateKeyError:  # released already
                pass
        found.jobs.update_one({"_id": row["_id"]}, {"$unset": {"next_jobs": ""}})
