"""MongoDeploymentStore: deployed processes, in the same database as the jobs."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.errors import PyMongoError

from weaver_like.domain.errors import NoSuchProcess, TooLarge, Unavailable
from weaver_like.domain.job import micros_of
from weaver_like.domain.package import Change, Deployed, Revision, RevisionSummary
from weaver_like.domain.requester import PUBLIC, Requester
from weaver_like.stores.base import DeploymentStore
from weaver_like.stores.codec import moment_of
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Collections, Document, MongoDatabase
from weaver_like.stores.mongo.migrate import BY_WRITTEN, OFFER

#: Longer than any change takes: an older revision that is not in the offer was left by a crash.
_SWEEP_AFTER = timedelta(hours=1)
_TOO_LARGE = "A process with its package, or the list of all processes, is larger than the database accepts."

#: Revisions that a change adds, by the tags under which they are kept.
Tagged = Mapping[str, Revision]


class MongoDeploymentStore(DeploymentStore):
    """One document, the offer, has the number, what is current, and the tag of each revision.

    A change first stores its revisions under new tags, which are not visible yet. Then it replaces the offer if the
    number is still the same: this one command makes the change. Leftovers are removed then, or by a later change.
    """

    def __init__(self, database: MongoDatabase):
        self._database = database

    def get_number(self) -> int:
        with self._database.using() as found:
            return int(_get_offer(found, "number")["number"])

    def get_deployed(self) -> Deployed:
        with self._database.using() as found:
            offer = _get_offer(found, "number", "current")
        return Deployed(offer["number"], _current_of(offer))

    def get(self, process_id: str, version: str) -> Revision:
        with self._database.using() as found:
            last, tag = None, _find_tag(found, process_id, version)
            # A revision that is being replaced has another tag when it is looked for again.
            while tag != last:
                row = found.revisions.find_one({"_id": tag})
                if row is not None:
                    return codec.read_revision(row)
                last, tag = tag, _find_tag(found, process_id, version)
        raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id[:100]}'.")

    def find_revisions(self, process_id: str, seen_by: Requester | None = None) -> list[RevisionSummary]:
        with self._database.using() as found:
            offer = _get_offer(found, "revisions")
        entries = [entry for entry in offer["revisions"] if entry["process"] == process_id]
        if seen_by is not None:
            entries = [entry for entry in entries if _is_seen(entry, seen_by)]
        entries.sort(key=lambda entry: (entry["deployed"], entry["version"]), reverse=True)
        return [RevisionSummary(entry["version"], moment_of(entry["deployed"])) for entry in entries]

    def find_moments(self) -> dict[tuple[str, str], datetime]:
        with self._database.using() as found:
            offer = _get_offer(found, "revisions")
        return {(entry["process"], entry["version"]): moment_of(entry["deployed"]) for entry in offer["revisions"]}

    def change(self, change: Change) -> bool:
        # Taken at the beginning: what others write from now on is not swept, however long the change takes.
        now = datetime.now(UTC)
        with self._database.using() as found:
            before = _get_offer(found)
            if before["number"] != change.number:
                return False
            tagged = {secrets.token_hex(12): revision for revision in change.added}
            try:
                after = _try(found, before, change, tagged, micros_of(now))
            except TooLarge:
                _drop(found, list(tagged))
                raise
            if after is None:
                _drop(found, list(tagged))
                return False
            _sweep(found, before, after, micros_of(now - _SWEEP_AFTER))
        return True


def _try(found: Collections, before: Document, change: Change, tagged: Tagged, now: int) -> Document | None:
    """Store the revisions, then replace the offer. Returns: the new offer; None if another change was first."""
    for tag, revision in tagged.items():
        found.revisions.insert_one(codec.fitting(codec.revision_document(revision, tag, now), _TOO_LARGE))
    after = codec.fitting(_changed(before, change, tagged), _TOO_LARGE)
    same = {"_id": OFFER, "number": change.number}
    return after if found.offer.replace_one(same, after).matched_count == 1 else None


def _get_offer(found: Collections, *fields: str) -> Document:
    """The named fields of the offer, or all. Raises: Unavailable, if it does not exist yet."""
    offer = found.offer.find_one({"_id": OFFER}, fields or None)
    if offer is None:
        raise Unavailable("The store has not been migrated.")
    return offer


def _find_tag(found: Collections, process_id: str, version: str) -> str | None:
    wanted = {"$elemMatch": {"process": process_id, "version": version}}
    offer = found.offer.find_one({"_id": OFFER}, {"revisions": wanted})
    if offer is None:
        raise Unavailable("The store has not been migrated.")
    return offer["revisions"][0]["tag"] if offer.get("revisions") else None


def _is_seen(entry: Mapping[str, Any], requester: Requester) -> bool:
    return requester.sees(entry.get("owner", ""), entry.get("visibility", PUBLIC))


def _current_of(offer: Mapping[str, Any]) -> dict[str, str]:
    return {entry["process"]: entry["version"] for entry in offer["current"]}


def _changed(offer: Mapping[str, Any], change: Change, tagged: Tagged) -> Document:
    """The offer after a change."""
    current: dict[str, str | None] = {**_current_of(offer), **change.current}
    kept = {(entry["process"], entry["version"]): entry for entry in offer["revisions"]}
    for key in change.removed:
        kept.pop(key, None)
    for tag, revision in tagged.items():
        kept[revision.key] = codec.revision_entry(revision, tag)
    return {
        "_id": OFFER,
        "number": offer["number"] + 1,
        "current": [
            {"process": process_id, "version": version}
            for process_id, version in current.items()
            if version is not None
        ],
        "revisions": [entry for (process_id, _), entry in kept.items() if current.get(process_id, "") is not None],
    }


def _drop(found: Collections, tags: Sequence[str]) -> None:
    found.revisions.delete_many({"_id": {"$in": tags}})


def _sweep(found: Collections, before: Mapping[str, Any], after: Mapping[str, Any], old: int) -> None:
    """Remove revisions that the change took out of the offer, and those written before `old` that are not in it."""
    kept = {entry["tag"] for entry in after["revisions"]}
    with suppress(PyMongoError):  # the change has been made; a later one sweeps again
        _drop(found, [entry["tag"] for entry in before["revisions"] if entry["tag"] not in kept])
        found.revisions.delete_many({"written": {"$lt": old}, "_id": {"$nin": list(kept)}}, hint=BY_WRITTEN)
