"""The housekeeper: leases that ran out, and jobs that are old enough to go."""
import logging
import threading
import time

from weaver_like.domain.job import Job
from weaver_like.jobs.recover import recover_lost, sweep_old
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
_SWEEP_S = 3600.0


class Housekeeper(threading.Thread):
    """Looks twice in the length of a lease, and sweeps every hour."""

    def __init__(self, rt: Runtime):
        super().__init__(name="housekeeper", daemon=True)
        self._rt = rt
        self._stopped = threading.Event()

    def run(self) -> None:
        swept = float("-inf")
        while not self._stopped.wait(self._rt.settings.engine.lease_s / 2):
            try:
                recover_lost(self._rt, None, self._announce)
                if time.monotonic() - swept >= _SWEEP_S:
                    swept = time.monotonic()
                    removed = sweep_old(self._rt)
                    if removed:
                        log.info("%s old jobs removed", removed)
            except Exception:  # e.g. a full disk: the next look may succeed, and nobody else would look again
                log.exception("housekeeping failed")

    def stop(self) -> None:
        self._stopped.set()

    def _announce(self, job: Job) -> None:
        self._rt.engine.publish({"job": job.id, "kind": "status", "status": str(job.status), "outbox": True})
        self._rt.engine.submit(job.id, job.priority)
