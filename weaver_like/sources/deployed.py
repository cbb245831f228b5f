"""Processes that clients deployed: the current revisions of the store."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from datetime import datetime

from weaver_like.domain.errors import NoSuchProcess, Unavailable
from weaver_like.domain.process import Plugin, Process
from weaver_like.sources.base import Source
from weaver_like.stores.base import DeploymentStore

#: Most revisions requested by version that are kept in memory.
_MOST_REVISIONS = 500

#: Process id and version.
_Key = tuple[str, str]


class DeployedSource(Source):
    """A revision never changes, so each is read once; one that was removed and deployed again has a new moment."""

    name = "deployed"
    # There is no sign of life before everything was read, and the first reading of thousands of processes takes long.
    deadline_s = 300

    def __init__(self, store: DeploymentStore):
        self._store = store
        self._current: dict[_Key, Process] = {}
        self._number = -1
        #: With the number of the offer when the revision was last known to be there.
        self._asked: dict[_Key, tuple[Hashable, Process]] = {}

    def signature(self) -> Hashable:
        """While the store is away, the offer stays as it was."""
        try:
            return self._store.get_number()
        except Unavailable:
            return self._number

    def is_current(self, process: Process) -> bool:
        # The second condition: a process just read may not be on offer yet.
        return self.signature() == self._number and self._current.get((process.id, process.version)) is process

    def collect(self) -> Iterator[Plugin]:
        try:
            self._current, self._number = self._read_all()
        except Unavailable:
            pass
        for process in self._current.values():
            yield Plugin(process.id, (process,), deployed=True)

    def get_revision(self, process_id: str, version: str) -> Process:
        key = (process_id, version)
        number = self.signature()
        seen, known = self._asked.get(key) or (None, self._current.get(key))
        if known is not None and seen == number:
            return known
        try:
            known = self._read(key, known, self._find_moment(key))
        except Unavailable:
            if known is None:
                raise
            return known
        while len(self._asked) >= _MOST_REVISIONS:
            self._asked.pop(next(iter(self._asked)), None)
        self._asked[key] = number, known
        return known

    def _read_all(self) -> tuple[dict[_Key, Process], int]:
        """Every current revision, and the number of the offer. Raises: Unavailable."""
        deployed = self._store.get_deployed()
        moments = self._store.find_moments()
        found = {}
        for key in deployed.current.items():
            try:
                found[key] = self._read(key, self._current.get(key), moments.get(key))
            except NoSuchProcess:  # removed meanwhile: the number has changed, and everything is read again
                continue
        return found, deployed.number

    def _find_moment(self, key: _Key) -> datetime | None:
        """When a revision was deployed; None if there is none."""
        process_id, version = key
        for summary in self._store.find_revisions(process_id):
            if summary.version == version:
                return summary.deployed
        return None

    def _read(self, key: _Key, known: Process | None, moment: datetime | None) -> Process:
        """One revision. Raises: NoSuchProcess.

        known: the process in memory under this key, valid if it was deployed at this moment.
        """
        if known is not None and known.deployed == moment:
            return known
        revision = self._store.get(*key)
        return replace(revision.process, deployed=revision.deployed)
