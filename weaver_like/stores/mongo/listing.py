"""The query of a list of jobs: a filter, and the index that has its jobs in the order of the list."""

from datetime import UTC, datetime

from weaver_like.domain.job import JobFilter, micros_of
from weaver_like.domain.status import Status
from weaver_like.stores.mongo.codec import seen
from weaver_like.stores.mongo.connection import Document
from weaver_like.stores.mongo.migrate import BY_CREATED, BY_PROCESS, BY_STATUS

#: The server merges up to 200 walks along an index; with more it would sort every match.
_MAX_WALKS = 200
_EVERY_STATUS = [str(status) for status in Status]


def list_filter(wanted: JobFilter) -> tuple[Document, str]:
    """Filter and name of the index.

    The server walks along it once for each (process, status), merges the walks, and stops at the limit.
    """
    narrowed: Document = {}
    if wanted.processes:
        narrowed["process"] = {"$in": wanted.processes}
    if wanted.statuses:
        narrowed["status"] = {"$in": [str(status) for status in wanted.statuses]}
    created = _created(wanted)
    if created:
        narrowed["created"] = created
    if wanted.after:
        # The other jobs of the last moment; `created` alone bounds the walk.
        narrowed["$or"] = [{"created": {"$lt": wanted.after[0]}}, {"_id": {"$lt": wanted.after[1]}}]
    if wanted.seen_by is not None:
        narrowed["$and"] = [seen(wanted.seen_by)]
    durations = _durations(wanted)
    if durations:
        narrowed |= {"started": {"$gt": 0}, "$expr": {"$and": durations}}
    if len(wanted.processes) * len(wanted.statuses or Status) > _MAX_WALKS:
        return narrowed, BY_CREATED
    if wanted.processes:
        return {"status": {"$in": _EVERY_STATUS}} | narrowed, BY_PROCESS
    return narrowed, BY_STATUS if wanted.statuses else BY_CREATED


def _created(wanted: JobFilter) -> Document:
    latest = []
    if wanted.after:
        latest.append(wanted.after[0])
    if wanted.created_to:
        latest.append(micros_of(wanted.created_to))
    bounds: Document = {}
    if wanted.created_from:
        bounds["$gte"] = micros_of(wanted.created_from)
    if latest:
        bounds["$lte"] = min(latest)
    return bounds


def _durations(wanted: JobFilter) -> list[Document]:
    """Conditions on the duration; that of running jobs counts to now."""
    duration = {"$subtract": [{"$ifNull": ["$finished", micros_of(datetime.now(UTC))]}, "$started"]}
    limits = {"$gte": wanted.min_duration, "$lte": wanted.max_duration}
    return [
        {comparison: [duration, int(limit.total_seconds() * 1e6)]}
        for comparison, limit in limits.items()
        if limit is not None
    ]
