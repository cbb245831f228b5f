"""Documents that change only with the catalog are rendered once."""

from collections.abc import Callable, Hashable

from weaver_like.processes.catalog import Snapshot
from weaver_like.runtime import Runtime

#: Keys hold the client's spelling of the host, so their number is bounded.
_MAX_ENTRIES = 500


class Memo:
    """Rendered bytes by key, forgotten when the catalog changes."""

    def __init__(self) -> None:
        self._number = -1
        self._kept: dict[Hashable, bytes] = {}

    def get(self, rt: Runtime, key: Hashable, render: Callable[[Snapshot], bytes]) -> bytes:
        snapshot = rt.catalog.snapshot()
        if snapshot.number != self._number or len(self._kept) > _MAX_ENTRIES:
            self._number, self._kept = snapshot.number, {}
        kept = self._kept
        if key not in kept:
            kept[key] = render(snapshot)
        return kept[key]
