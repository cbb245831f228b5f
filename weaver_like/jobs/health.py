"""Checks, in bounded time, every part that requests need."""

import logging
import threading
import time
from collections.abc import Callable

from weaver_like.domain.errors import WeaverError
from weaver_like.domain.masks import clean
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: Time for all checks together; a part that has not answered by then is in trouble.
LIMIT_S = 3.0
#: How long answers are reused: several probes cost one check.
_FRESH_S = 1.0
OK = "ok"


class _Look:
    """Checks one part, in a thread of its own: a check that hangs blocks no thread of the server."""

    def __init__(self, name: str, find_trouble: Callable[[], str | None]):
        self._name = name
        self._find_trouble = find_trouble
        self._idle = threading.Event()
        self._idle.set()
        self._found = OK

    def begin(self) -> None:
        """Check, unless the previous check still hangs."""
        if self._idle.is_set():
            self._idle.clear()
            threading.Thread(target=self._run, name=f"health-{self._name}", daemon=True).start()

    def end(self, limit_s: float) -> str:
        """The finding, after at most `limit_s` seconds."""
        if self._idle.wait(max(0.0, limit_s)):
            return self._found
        return f"no answer within {LIMIT_S:g} s"

    def _run(self) -> None:
        try:
            self._found = clean(self._find_trouble() or OK, 200)
        except WeaverError as error:
            self._found = clean(error.detail, 200)
        except Exception as error:  # any failure of a part is an answer; its text may hold an address
            log.warning("health of %s", self._name, exc_info=error)
            self._found = f"failed: {type(error).__name__}"
        finally:
            self._idle.set()


class Health:
    """Checks the parts of one runtime; any thread may call."""

    def __init__(self, rt: Runtime):
        self._looks = {
            "store": _Look("store", rt.store.ping),
            "engine": _Look("engine", rt.serving_engine.trouble),
            "outputs": _Look("outputs", rt.area.trouble),
        }
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._known_until = float("-inf")

    def look(self) -> dict[str, str]:
        """Part -> "ok" or the reason of its trouble; takes at most about `LIMIT_S` seconds."""
        with self._lock:
            if time.monotonic() >= self._known_until:
                end = time.monotonic() + LIMIT_S
                for look in self._looks.values():
                    look.begin()
                self._known = {name: look.end(end - time.monotonic()) for name, look in self._looks.items()}
                self._known_until = time.monotonic() + _FRESH_S
            return dict(self._known)
