"""The catalog: every process on offer, with its compiled validator."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from weaver_like.domain.errors import NoSuchProcess, ServerBusy
from weaver_like.domain.execution import Execution
from weaver_like.domain.process import Plugin, Process
from weaver_like.schemas.validators import ProcessValidator
from weaver_like.sources.base import Source

log = logging.getLogger(__name__)
#: The offer is looked at again at most this often, and only when somebody asks.
_LOOK_S = 1.0
#: So long a request waits for a changed offer; a plugin that takes longer to import is seen by a later request.
_PATIENCE_S = 2.0
#: And so long one for a process that may still come, before the offer was read for the first time.
_FIRST_PATIENCE_S = 10.0
#: Revisions whose compiled validators are kept at hand.
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
    """The offer at one moment. number: grows with every change, so that what was rendered from it can be kept."""

    number: int = 0
    entries: dict[str, CatalogEntry] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()


class Catalog:
    """patience_s: longest wait of a request for a changed offer (None: to its end, as a worker does).

    Thread-safe. A changed plugin file is seen by the next request; a slow or broken one holds up no other process.
    """

    def __init__(self, sources: Sequence[Source], patience_s: float | None = _PATIENCE_S):
        self._sources = list(sources)
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._signature: object = None
        self._looked = float("-inf")
        self._looking = False
        self._snapshot = Snapshot()
        self._revisions: dict[tuple[str, str], CatalogEntry] = {}

    def snapshot(self) -> Snapshot:
        """The offer, not older than a second, as far as it could be read in time."""
        with self._changed:
            self._look()
            self._changed.wait_for(lambda: not self._looking, self._patience_s)
            return self._snapshot

    def get(self, process_id: str) -> CatalogEntry:
        """One process, as it is now, or (`id:version`) one of its revisions.

        Raises: NoSuchProcess; ServerBusy, while the offer is read for the first time.
        """
        if ":" in process_id:
            return self._get_revision(*process_id.split(":", 1))
        entry = self._snapshot.entries.get(process_id)
        if entry is not None and entry.source.is_current(entry.process):
            return entry
        with self._changed:
            self._looked = float("-inf")
            self._look()
            first = self._signature is None
            patience_s = _FIRST_PATIENCE_S if first and self._patience_s else self._patience_s
            self._changed.wait_for(lambda: not self._looking or self._has_current(process_id), patience_s)
            entry, unread = self._snapshot.entries.get(process_id), first and self._looking
        if entry is None and unread:
            raise ServerBusy(
                f"Processes are still being read; '{process_id[:100]}' is not among those so far.", retry_after_s=5
            )
        if entry is None:
            raise NoSuchProcess(f"There is no process '{process_id[:100]}'.")
        return entry

    def entry_of(self, process: Process) -> CatalogEntry:
        """The entry of a process that was got here a moment ago, without another look at its source."""
        for known in (self._snapshot.entries.get(process.id), self._revisions.get((process.id, process.version))):
            if known is not None and known.process is process:
                return known
        return self.get(f"{process.id}:{process.version}" if process.mutable else process.id)

    def _get_revision(self, process_id: str, version: str) -> CatalogEntry:
        known = self._revisions.get((process_id, version))
        if known is not None and known.process is known.source.get_revision(process_id, version):
            return known
        for source in self._sources:
            try:
                entry = CatalogEntry(source.get_revision(process_id, version), source)
            except NoSuchProcess:
                continue
            while len(self._revisions) >= _REVISIONS:
                self._revisions.pop(next(iter(self._revisions)), None)
            self._revisions[process_id, version] = entry
            return entry
        raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id[:100]}'.")

    def get_kept(self, process_id: str, execution: Execution) -> CatalogEntry:
        """What an execution was checked against. Raises: NoSuchProcess, also if its revision was removed and another one has that version now."""
        version = execution.version
        try:
            entry = self.get(f"{process_id}:{version}" if version else process_id)
            if execution.deployed in (None, entry.process.deployed):
                return entry
        except NoSuchProcess:
            pass
        which = f"version {version[:100]} of the process" if version else "the process"
        raise NoSuchProcess(f"There is no process to run any more: {which} '{process_id[:100]}' was removed.")

    def look_again(self) -> None:
        """See what was just changed: the next one who asks gets the offer as it is then."""
        with self._changed:
            self._looked = float("-inf")
            self._look()
            self._changed.wait_for(lambda: not self._looking, self._patience_s)

    def find(self, after: str | None, limit: int) -> tuple[list[Process], bool]:
        """At most `limit` processes by id, those after `after`; and whether more follow."""
        entries = self.snapshot().entries
        names = sorted(name for name in entries if after is None or name > after)
        return [entries[name].process for name in names[:limit]], len(names) > limit

    def _has_current(self, process_id: str) -> bool:
        entry = self._snapshot.entries.get(process_id)
        return entry is not None and entry.source.is_current(entry.process)

    def _look(self) -> None:
        """Start to read the offer if it has changed; the lock is held."""
        if self._looking or time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        signature = tuple(source.signature() for source in self._sources)
        if signature != self._signature:
            self._looking = True
            threading.Thread(target=self._collect, args=(signature,), name="catalog", daemon=True).start()

    def _collect(self, signature: object) -> None:
        """Read the offer. The first time every plugin is on offer as soon as it is known."""
        found: list[tuple[int, Plugin]] = []
        try:
            for number, source in enumerate(self._sources):
                for plugin in source.collect():
                    found.append((number, plugin))
                    if self._signature is None:
                        self._publish(found)
            self._publish(found)
            self._signature = signature
        except Exception:  # e.g. a full disk: what was on offer stays, and the next look tries again
            log.exception("the offer could not be read")
        finally:
            with self._changed:
                self._looking = False
                self._changed.notify_all()

    def _publish(self, found: list[tuple[int, Plugin]]) -> None:
        ordered = sorted(found, key=lambda entry: (entry[0], entry[1].name))
        snapshot = _assemble(self._snapshot.number + 1, [(self._sources[number], plugin) for number, plugin in ordered])
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify_all()


def _assemble(number: int, found: list[tuple[Source, Plugin]]) -> Snapshot:
    """Of two processes with one id the first stays; the plugin of the second is listed with that error."""
    entries: dict[str, CatalogEntry] = {}
    listed = []
    for source, plugin in found:
        taken = [process.id for process in plugin.processes if process.id in entries]
        if taken:
            plugin = replace(
                plugin, processes=(), error=f"Its processes are already offered by another plugin: {', '.join(taken)}."
            )
        entries.update({process.id: CatalogEntry(process, source) for process in plugin.processes})
        listed.append(plugin)
    return Snapshot(number, entries, tuple(listed))
