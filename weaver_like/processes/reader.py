"""Reading one source in a thread of its own: a source that is slow, fails or hangs delays no other."""

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from queue import SimpleQueue

from weaver_like.domain.process import Plugin
from weaver_like.sources.base import Source

log = logging.getLogger(__name__)
#: An answer not older than this is good enough for lists.
_FRESH_S = 1.0
#: Shortest interval between two questions to a source whether its offer has changed; only requests cause them. A little
#: less than `_FRESH_S`: where requests are many, the answer is there before one has to wait for it.
_LOOK_S = 0.75


class SourceReader:
    """What one source offers, as it was last read.

    The thread starts with the first question and stays, so that a look at an unchanged offer starts none.
    Attributes and methods may only be used while holding the lock of `changed`.

    Args:
        changed: notified of every answer.
        publish: called, with the lock held, whenever the offer has changed.
    """

    def __init__(self, source: Source, changed: threading.Condition, publish: Callable[[], None]):
        self.source = source
        #: The last good reading by name; the first one so far, while it is under way.
        self.plugins: tuple[Plugin, ...] = ()
        #: True once the source was read to its end.
        self.complete = False
        #: True while the source has been silent for longer than its deadline.
        self.late = False
        self._trouble = ""
        self._changed = changed
        self._publish = publish
        self._signature: Hashable = None
        self._asked = self._answered = 0
        self._asked_at = self._heard_at = self._known_at = float("-inf")
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """True while a question is unanswered."""
        return self._answered < self._asked

    @property
    def fresh(self) -> bool:
        """True if the last answer is good enough for lists."""
        return time.monotonic() - self._known_at < _FRESH_S

    @property
    def listed(self) -> tuple[Plugin, ...]:
        """The plugins, and what is wrong with the source itself."""
        if not self._trouble:
            return self.plugins
        return (*self.plugins, Plugin(self.source.name, error=self._trouble))

    def ask(self, at_once: bool) -> None:
        """Ask whether the offer has changed; without `at_once`, a recent question is good enough."""
        now = time.monotonic()
        if self.busy:
            self._note_silence(now)
            if at_once:  # the reading under way may have missed what was just changed
                self._asked += 1
        elif at_once or now - self._asked_at >= _LOOK_S:
            self._asked += 1
            self._asked_at = self._heard_at = now
            self._wake.put(None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"read {self.source.name}", daemon=True)
                self._thread.start()

    def worth_waiting_s(self, patience_s: float | None) -> float:
        """How many seconds longer it is worth waiting for an answer, if the source stays silent.

        patience_s: longest silence of a source; None: up to its own deadline.
        """
        if not self.busy:
            return 0.0
        limit_s = self.source.deadline_s if patience_s is None else patience_s
        return self._heard_at + limit_s - time.monotonic()

    def _note_silence(self, now: float) -> None:
        if self.late or now - self._heard_at < self.source.deadline_s:
            return
        self.late = True
        self._set_trouble(f"No answer for {self.source.deadline_s:g} s.")

    def _set_trouble(self, reason: str, error: Exception | None = None) -> None:
        """Log and list why the source cannot be read; an empty reason ends the trouble."""
        trouble = f"{reason} What was on offer before stays on offer." if reason else ""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.error("source %s: %s", self.source.name, trouble, exc_info=error)
        else:
            log.info("source %s: it can be read again", self.source.name)
        self._publish()

    def _run(self) -> None:
        while True:
            self._wake.get()
            while self._answer():
                pass

    def _answer(self) -> bool:
        """Answer everything that was asked so far; True if more was asked meanwhile."""
        with self._changed:
            asked, asked_at = self._asked, time.monotonic()
        failure = self._read()
        with self._changed:
            self._answered, self._known_at = asked, asked_at
            self._heard_at = time.monotonic()
            self.late = False
            reason = "The source cannot be read; the log says why." if failure else ""
            self._set_trouble(reason, failure)
            self._changed.notify_all()
            return self.busy

    def _read(self) -> Exception | None:
        """Read the offer if it has changed; the error that prevented it. The lock is not held."""
        try:
            signature = self.source.signature()
            if not self.complete or signature != self._signature:
                self._collect()
                self._signature = signature
        except Exception as error:  # of any kind: it must not affect other sources, and the next look tries again
            return error
        return None

    def _collect(self) -> None:
        """Read the offer; the first reading is offered piece by piece, later ones as a whole."""
        found: list[Plugin] = []
        for plugin in self.source.collect():
            found.append(plugin)
            with self._changed:
                self._heard_at = time.monotonic()
                if not self.complete and len(found) >= len(self.plugins):
                    self._offer(found)
        with self._changed:
            self.complete = True
            self._offer(found)

    def _offer(self, found: Iterable[Plugin]) -> None:
        self.plugins = tuple(sorted(found, key=lambda plugin: plugin.name))
        self._publish()
