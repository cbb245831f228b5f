"""The catalog: every process on offer, with its compiled validator."""
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.process import Plugin, Process
from weaver_like.schemas.validators import ProcessValidator
from weaver_like.sources.base import Source

log = logging.getLogger(__name__)
#: The offer is looked at again at most this often, and only when somebody asks.
_LOOK_S = 1.0
#: So long a request waits for a changed offer; a plugin that takes longer to import is seen by a later request.
_PATIENCE_S = 2.0


@dataclass
class Offer:
    """One process on offer."""

    process: Process

    @cached_property
    def validator(self) -> ProcessValidator:
        return ProcessValidator(self.process)


@dataclass(frozen=True)
class Snapshot:
    """The offer at one moment. number: grows with every change, so that what was rendered from it can be kept."""

    number: int = 0
    offers: dict[str, Offer] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()


class Catalog:
    """look_s: the offer is looked at again at most this often.  patience_s: longest wait for a changed offer (None: to its end).

    Thread-safe. A changed plugin file is seen by the next request; a slow or broken one holds up no other process."""

    def __init__(self, sources: Sequence[Source], look_s: float = _LOOK_S, patience_s: float | None = _PATIENCE_S):
        self._look_s = look_s
        self._patience_s = patience_s
        self._sources = list(sources)
        self._lock = threading.Lock()
        self._signature: object = None
        self._looked = float("-inf")
        self._snapshot = Snapshot()
        self._look: threading.Thread | None = None

    def snapshot(self) -> Snapshot:
        if time.monotonic() - self._looked >= self._look_s:
            with self._lock:
                look = self._start_look()
            if look is not None:
                look.join(self._patience_s if self._snapshot.number else None)
        return self._snapshot

    def get(self, process_id: str) -> Offer:
        """Raises: NoSuchProcess."""
        offer = self.snapshot().offers.get(process_id)
        if offer is None:
            raise NoSuchProcess(f"There is no process '{process_id[:100]}'.")
        return offer

    def find(self, after: str | None, limit: int) -> tuple[list[Process], bool]:
        """At most `limit` processes by id, those after `after`; and whether more follow."""
        offers = self.snapshot().offers
        names = sorted(name for name in offers if after is None or name > after)
        return [offers[name].process for name in names[:limit]], len(names) > limit

    def _start_look(self) -> threading.Thread | None:
        """The thread that describes a changed offer; None if nothing changed."""
        if self._look is not None and self._look.is_alive():
            return None if self._snapshot.number else self._look
        self._looked = time.monotonic()
        signature = tuple(source.signature() for source in self._sources)
        if signature == self._signature:
            return None
        self._look = threading.Thread(target=self._collect, args=(signature,), name="catalog", daemon=True)
        self._look.start()
        return self._look

    def _collect(self, signature: object) -> None:
        try:
            plugins = [plugin for source in self._sources for plugin in source.collect()]
        except Exception:  # e.g. a full disk: what was on offer stays, and the next look tries again
            log.exception("the offer could not be read")
            return
        self._snapshot = _assemble(self._snapshot.number + 1, plugins)
        self._signature = signature


def _assemble(number: int, plugins: list[Plugin]) -> Snapshot:
    """Of two processes with one id the first stays; the plugin of the second is listed with that error."""
    offers: dict[str, Offer] = {}
    listed = []
    for plugin in plugins:
        taken = [process.id for process in plugin.processes if process.id in offers]
        if taken:
            plugin = replace(plugin, processes=(), error=f"Its processes are already offered by another plugin: {', '.join(taken)}.")
        offers.update({process.id: Offer(process) for process in plugin.processes})
        listed.append(plugin)
    return Snapshot(number, offers, tuple(listed))
