"""Processes that clients deployed: the current revisions of the store."""
from collections.abc import Hashable, Iterator

from weaver_like.domain.errors import NoSuchProcess, Unavailable
from weaver_like.domain.package import Deployed
from weaver_like.domain.process import Plugin, Process
from weaver_like.sources.base import Source
from weaver_like.stores.base import ProcessStore

#: Older revisions that are kept at hand.
_OLD = 200


class DeployedSource(Source):
    """Revisions never change, so each is read once."""

    def __init__(self, store: ProcessStore):
        self._store = store
        self._current: dict[tuple[str, str], Process] = {}
        self._old: dict[tuple[str, str], Process] = {}
        self._number = -1

    def signature(self) -> Hashable:
        """While the store is away, what was on offer stays."""
        try:
            return self._store.get_number()
        except Unavailable:
            return self._number

    def is_current(self, process: Process) -> bool:
        return self.signature() == self._number

    def collect(self) -> Iterator[Plugin]:
        try:
            deployed = self._store.get_deployed()
        except Unavailable:
            deployed = Deployed(self._number, dict(self._current))
        found = {}
        for key in deployed.current.items():
            try:
                found[key] = self._current.get(key) or self._store.get(*key).process
            except NoSuchProcess:  # it went meanwhile; the number has changed then, and everything is read again
                continue
        self._current, self._number = found, deployed.number
        for process in found.values():
            yield Plugin(process.id, (process,), deployed=True)

    def get_revision(self, process_id: str, version: str) -> Process:
        key = (process_id, version)
        process = self._current.get(key) or self._old.get(key)
        if process is None:
            process = self._store.get(process_id, version).process
            while len(self._old) >= _OLD:
                self._old.pop(next(iter(self._old)), None)
            self._old[key] = process
        return process
