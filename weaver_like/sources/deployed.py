"""Processes that clients deployed: the current revisions of the store."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from datetime import datetime

from weaver_like.domain.errors import NoSuchProcess, Unavailable
from weaver_like.domain.process import Plugin, Process
from weaver_like.sources.base import Source
from weaver_like.stores.base import ProcessStore

#: Revisions that were asked for by their version and are kept at hand.
_MOST = 500


class DeployedSource(Source):
    """A revision never changes, so each is read once; one that was removed and deployed again has another moment."""

    def __init__(self, store: ProcessStore):
        self._store = store
        self._current: dict[tuple[str, str], Process] = {}
        self._number = -1
        #: With the number of the offer when the revision was last known to be there.
        self._asked: dict[tuple[str, str], tuple[Hashable, Process]] = {}

    def signature(self) -> Hashable:
        """While the store is away, what was on offer stays."""
        try:
            return self._store.get_number()
        except Unavailable:
            return self._number

    def is_current(self, process: Process) -> bool:
        # The second half: what was just read may not be on offer yet.
        return self.signature() == self._number and self._current.get((process.id, process.version)) is process

    def collect(self) -> Iterator[Plugin]:
        try:
            deployed, moments = self._store.get_deployed(), self._store.find_moments()
        except Unavailable:
            found, number = self._current, self._number
        else:
            found, number = {}, deployed.number
            for key in deployed.current.items():
                try:
                    found[key] = self._read(key, self._current.get(key), moments.get(key))
                except NoSuchProcess:  # it went meanwhile; the number has changed then, and everything is read again
                    continue
        self._current, self._number = found, number
        for process in found.values():
            yield Plugin(process.id, (process,), deployed=True)

    def get_revision(self, process_id: str, version: str) -> Process:
        key, number = (process_id, version), self.signature()
        seen, known = self._asked.get(key) or (None, self._current.get(key))
        if known is None or seen != number:
            try:
                moment = next(
                    (one.deployed for one in self._store.find_revisions(process_id) if one.version == version), None
                )
                known = self._read(key, known, moment)
            except Unavailable:
                if known is None:
                    raise
                return known
            while len(self._asked) >= _MOST:
                self._asked.pop(next(iter(self._asked)), None)
            self._asked[key] = number, known
        return known

    def _read(self, key: tuple[str, str], known: Process | None, moment: datetime | None) -> Process:
        """known: what is at hand under this key, good if it was deployed at this moment. Raises: NoSuchProcess."""
        if known is not None and known.deployed == moment:
            return known
        revision = self._store.get(*key)
        return replace(revision.process, deployed=revision.deployed)
