"""Children of this OS process that are wanted, and the end of what they leave behind."""

import threading

from weaver_like.sandbox import kernel


class Running:
    """Counts children that are wanted; when none is, what they left behind ends, whatever session it is in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                kernel.end_descendants()


RUNNING = Running()
