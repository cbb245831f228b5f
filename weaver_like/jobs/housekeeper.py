"""The housekeeper: recovers jobs whose lease expired, resends lost messages, and removes old jobs."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from weaver_like.domain.errors import Unavailable
from weaver_like.jobs.recover import announce, recover_lost, sweep_old, sweep_steps
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
#: The role of the process that keeps house on a store.
HOUSEKEEPER = "housekeeper"
#: Longest pause between two looks; also the age at which a message to the workers counts as lost.
_LOOK_S = 5.0
_SWEEP_S = 3600.0


class Housekeeper(threading.Thread):
    """One thread in each server and each host of workers; of all those on one store, only the leader does the work.

    holder: name under which this process leads.  look_first: called at the start and at each `wake`, leader or not.
    """

    def __init__(self, rt: Runtime, holder: str, look_first: Callable[[], None] = lambda: None):
        super().__init__(name="housekeeper", daemon=True)
        self._rt = rt
        self._holder = holder
        self._pause_s = min(rt.settings.engine.lease_s / 2, _LOOK_S)
        self._look_first = look_first
        self._leads = False
        self._first = True
        self._away = False
        self._lenient_until = float("-inf")
        self._woken = threading.Event()
        self._stopped = False
        self._swept = float("-inf")
        self._steps_swept = float("-inf")

    def run(self) -> None:
        while not self._stopped:
            self._woken.clear()
            wanted, self._first = self._first, False
            try:
                if wanted:
                    self._look_first()
                    wanted = False
                self._look()
            except Unavailable as error:
                log.warning("housekeeping: %s", error.detail)
                self._away = True
            except Exception:  # e.g. a full disk: this thread must go on, the next look may succeed
                log.exception("housekeeping failed")
            self._first |= wanted
            self._woken.wait(self._pause_s)
        self._give_back_the_lead()

    def _give_back_the_lead(self) -> None:
        """So that the next leader need not wait until the lead expires."""
        try:
            if self._leads:
                self._rt.store.leaders.take(HOUSEKEEPER, self._holder, datetime.now(UTC))
        except Unavailable:
            pass

    def wake(self) -> None:
        """Look now."""
        self._first = True
        self._woken.set()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    def _look(self) -> None:
        if time.monotonic() - self._steps_swept >= _SWEEP_S:
            self._steps_swept = time.monotonic()
            sweep_steps(self._rt)
        now = datetime.now(UTC)
        self._leads = self._rt.store.leaders.take(HOUSEKEEPER, self._holder, now + timedelta(seconds=3 * self._pause_s))
        if self._away:  # no lease could be renewed meanwhile: give living workers one more lease to do it
            self._away, self._lenient_until = False, time.monotonic() + self._rt.settings.engine.lease_s
        if not self._leads:
            return
        if time.monotonic() >= self._lenient_until:
            recover_lost(self._rt, None, partial(announce, self._rt.serving_engine))
        self._rt.serving_engine.restore(self._rt.store.jobs.count_waiting(now - timedelta(seconds=_LOOK_S)))
        if time.monotonic() - self._swept >= _SWEEP_S:
            self._swept = time.monotonic()
            removed = sweep_old(self._rt)
            if removed:
                log.info("%s old jobs removed", removed)
