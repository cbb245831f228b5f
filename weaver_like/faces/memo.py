"""Rendered documents that change only with the processes on offer are kept."""

from collections.abc import Callable, Hashable

#: Keys hold the client's spelling of the host, so their number is bounded.
_MAX_ENTRIES = 500


class Memo:
    """Rendered documents by key; all are forgotten when the offer changes."""

    def __init__(self) -> None:
        self._offer: Hashable = None
        self._kept: dict[Hashable, bytes] = {}

    def get(self, state: tuple[int, Hashable], key: Hashable, render: Callable[[], bytes]) -> bytes:
        """The bytes of a document, rendered if they are not kept yet.

        Args:
            state: number of the offer, and for whom the document is rendered.
        """
        number, audience = state
        kept = self._kept
        if number != self._offer or len(kept) > _MAX_ENTRIES:
            self._offer, self._kept = number, {}
            kept = self._kept
        found = kept.get((audience, key))
        if found is None:
            found = kept[audience, key] = render()
        return found
