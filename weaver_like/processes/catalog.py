"""The catalog: every process on offer, with its compiled validator."""

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from weaver_like.domain.errors import NoSuchProcess, ServerBusy
from weaver_like.domain.execution import Execution
from weaver_like.domain.process import Plugin, Process
from weaver_like.processes.reader import SourceReader
from weaver_like.schemas.validators import ProcessValidator
from weaver_like.sources.base import Source

#: How long a request waits for a changed offer; a plugin that takes longer to import is seen by later requests.
_PATIENCE_S = 2.0
#: It waits this many times longer for a process that may still come while the offer is read for the first time.
_FIRST_READING = 5
#: Number of revisions whose compiled validators are kept in memory.
_REVISIONS = 500


@dataclass
class CatalogEntry:
    """One process on offer."""

    process: Process
    source: Source

    @cached_property
    def validator(self) -> ProcessValidator:
        return ProcessValidator(self.process)


@dataclass(frozen=True)
class Snapshot:
    """The offer at one moment. number: grows with every change, so that rendered documents can be cached under it."""

    number: int = 0
    entries: dict[str, CatalogEntry] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()


class Catalog:
    """Any thread may call. A changed plugin file is seen by the next request.

    Each source is read independently: one that is slow, fails or hangs keeps what it offered before.

    Args:
        sources: if two have a process with the same id, that of the earlier source is offered.
        patience_s: longest wait of a request for a changed offer. None, for a worker: waits until it was read.
    """

    def __init__(self, sources: Sequence[Source], patience_s: float | None = _PATIENCE_S):
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._readers = {source: SourceReader(source, self._changed, self._publish) for source in sources}
        self._snapshot = Snapshot()
        self._revisions: dict[tuple[str, str], CatalogEntry] = {}

    def snapshot(self) -> Snapshot:
        """The offer, at most a second old, as far as it could be read in time."""
        with self._changed:
            self._ask(at_once=False)
            stale = [reader for reader in self._readers.values() if not reader.fresh]
            self._wait(stale, None, self._patience_s, _end_of(self._patience_s))
            return self._snapshot

    def look_again(self) -> None:
        """Make the next request see what was just changed."""
        with self._changed:
            self._ask(at_once=True)
            self._wait(self._readers.values(), None, self._patience_s, _end_of(self._patience_s))

    def find(self, after: str | None, limit: int) -> tuple[list[Process], bool]:
        """At most `limit` processes by id, those after `after`; and whether more follow."""
        entries = self.snapshot().entries
        names = sorted(name for name in entries if after is None or name > after)
        return [entries[name].process for name in names[:limit]], len(names) > limit

    def get(self, process_id: str) -> CatalogEntry:
        """One process, as it is now, or (`id:version`) one of its revisions.

        Raises: NoSuchProcess; ServerBusy, while the offer is read for the first time.
        """
        if ":" in process_id:
            return self._get_revision(*process_id.split(":", 1))
        entry = self._snapshot.entries.get(process_id)
        if entry is None or not self._is_current(entry):
            entry = self._get_changed(process_id)
        if entry is not None:
            return entry
        if any(reader.busy and not reader.complete for reader in self._readers.values()):
            raise ServerBusy(
                f"Processes are still being read; '{process_id[:100]}' is not among those read so far.",
                retry_after_s=5,
            )
        raise NoSuchProcess(f"There is no process '{process_id[:100]}'.")

    def entry_of(self, process: Process) -> CatalogEntry:
        """The entry of a process that came from here a moment ago, without asking its source again."""
        for known in (self._snapshot.entries.get(process.id), self._revisions.get((process.id, process.version))):
            if known is not None and known.process is process:
                return known
        name = f"{process.id}:{process.version}" if process.mutable else process.id
        return self.get(name)

    def get_kept(self, process_id: str, execution: Execution) -> CatalogEntry:
        """The process that an execution was checked against.

        Raises: NoSuchProcess, also if its revision was removed and another one has that version now.
        """
        version = execution.version
        name = f"{process_id}:{version}" if version else process_id
        try:
            entry = self.get(name)
            if entry.process.mutable and version is None:  # an earlier source has that id, and was not read yet
                self.look_again()
                entry = self.get(name)
            if execution.deployed in (None, entry.process.deployed):
                return entry
        except NoSuchProcess:
            pass
        which = f"version {version[:100]} of the process" if version else "the process"
        raise NoSuchProcess(f"There is no process to run any more: {which} '{process_id[:100]}' was removed.")

    def _get_revision(self, process_id: str, version: str) -> CatalogEntry:
        known = self._revisions.get((process_id, version))
        if known is not None and known.process is known.source.get_revision(process_id, version):
            return known
        for source in self._readers:
            try:
                entry = CatalogEntry(source.get_revision(process_id, version), source)
            except NoSuchProcess:
                continue
            while len(self._revisions) >= _REVISIONS:
                self._revisions.pop(next(iter(self._revisions)), None)
            self._revisions[process_id, version] = entry
            return entry
        raise NoSuchProcess(f"Process '{process_id[:100]}' has no version '{version[:100]}'.")

    def _is_current(self, entry: CatalogEntry) -> bool:
        """Ask the source, unless it hangs: then its last offer is good enough."""
        return self._readers[entry.source].late or entry.source.is_current(entry.process)

    def _get_changed(self, process_id: str) -> CatalogEntry | None:
        """The entry on offer, once it is current or no source that could change it is worth waiting for."""
        patience_s = self._patience_s
        if patience_s is not None and not all(reader.complete for reader in self._readers.values()):
            patience_s *= _FIRST_READING
        end = _end_of(patience_s)
        self._ask(at_once=True)
        while True:
            seen = self._snapshot
            entry = seen.entries.get(process_id)
            # The lock is not held here: the source may hang.
            if entry is not None and self._is_current(entry):
                return entry
            with self._changed:
                if not self._wait(self._readers.values(), seen, patience_s, end):
                    return self._snapshot.entries.get(process_id)

    def _ask(self, at_once: bool) -> None:
        with self._changed:
            for reader in self._readers.values():
                reader.ask(at_once)

    def _wait(
        self, readers: Collection[SourceReader], seen: Snapshot | None, patience_s: float | None, end: float
    ) -> bool:
        """Wait for answers of sources that show signs of life. The lock is held.

        Args:
            seen: True is returned as soon as another snapshot is on offer; None waits for all answers.
            patience_s: longest silence of a source that is worth waiting for.
            end: `time.monotonic()` at which the wait ends.
        """
        while seen is None or self._snapshot is seen:
            longest_s = max((reader.worth_waiting_s(patience_s) for reader in readers), default=0.0)
            left_s = min(longest_s, end - time.monotonic())
            if left_s <= 0:
                return False
            self._changed.wait(left_s)
        return True

    def _publish(self) -> None:
        """Assemble the offer from what each source offers; the lock is held."""
        self._snapshot = _assemble(self._snapshot, list(self._readers.values()))
        self._changed.notify_all()


def _end_of(patience_s: float | None) -> float:
    if patience_s is None:
        return float("inf")
    return time.monotonic() + patience_s


def _assemble(before: Snapshot, readers: Sequence[SourceReader]) -> Snapshot:
    """The offer of all sources. Of two processes with the same id the first is offered; the other plugin has an error.

    The entry of an unchanged description is kept, with its compiled validator.
    """
    entries: dict[str, CatalogEntry] = {}
    listed = []
    for reader in readers:
        for plugin in reader.listed:
            taken = [process.id for process in plugin.processes if process.id in entries]
            if taken:
                error = f"Another plugin already offers: {', '.join(taken)}."
                plugin = replace(plugin, processes=(), error=error)
            for process in plugin.processes:
                known = before.entries.get(process.id)
                if known is None or known.process is not process:
                    known = CatalogEntry(process, reader.source)
                entries[process.id] = known
            listed.append(plugin)
    return Snapshot(before.number + 1, entries, tuple(listed))
