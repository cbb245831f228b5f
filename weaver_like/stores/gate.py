"""The limit of the queue, enforced without counting the queue for every job."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weaver_like.domain.errors import ServerBusy

_FRESH_S = 1.0
_NEAR = 500


class QueueGate:
    """Lets new jobs into the queue while there is room; one for each process.

    Far below the limit a count is reused for a second; near it each job counts again, one job at a time. Several
    servers on one store may exceed the limit by the jobs that they let in at the same moment.

    Args:
        count: (most) -> how many jobs wait in the store, counted up to `most`.
    """

    def __init__(self, count: Callable[[int], int]):
        self._count = count
        self._lock = threading.Lock()
        self._waiting = 0
        self._counted = float("-inf")

    @contextmanager
    def entering(self, limit: int) -> Iterator[None]:
        """Let one job be added. Raises: ServerBusy, if `limit` jobs wait already."""
        with self._lock:
            near = self._waiting > limit - _NEAR
            if near or time.monotonic() - self._counted > _FRESH_S:
                self._waiting, self._counted = self._count(limit), time.monotonic()
            if self._waiting >= limit:
                raise ServerBusy(f"{self._waiting} jobs wait already; try again later.", retry_after_s=10)
            self._waiting += 1
            if near:
                yield
                return
        yield
