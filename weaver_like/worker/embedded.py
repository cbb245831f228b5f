"""Entry of a worker process: `python -m weaver_like.worker.embedded CONTROL LIFE`, started by the embedded engine.

CONTROL: number of the socket to the engine.  LIFE: number of a pipe's end that worker and zygote hold open while they live.
Engine -> worker: its settings; {"wake": number}; {"cancel": job id}; {"stop": policy}.
Worker -> engine: {"idle": number}; {"submitted": job id}; {"event": event}.
"""

import logging
import os
import select
import signal
import socket
import sys

from weaver_like import settings as settings_module
from weaver_like.domain.errors import Unavailable
from weaver_like.engines.base import ClosePolicy, WorkerLink
from weaver_like.jobs.execute import execute_job
from weaver_like.jobs.progress import lease_end
from weaver_like.observe.logs import configure_logs
from weaver_like.sandbox import kernel
from weaver_like.sandbox.children import Children
from weaver_like.sandbox.wire import Reader, send
from weaver_like.wiring import WARM, build

log = logging.getLogger(__name__)
#: Pause before the next look while the store is away.
_AWAY_S = 1.0


class SocketLink(WorkerLink):
    """The worker's end of the socket pair. An engine that has gone stops the worker at once: nobody would hear it."""

    def __init__(self, control: socket.socket):
        self._control = control
        self._reader = Reader(control)
        self.woken = 0
        self.stop: ClosePolicy | None = None
        self._dismissed: set[str] = set()
        # Events wait for the next look at the engine or for the end of the job, so that they do not hold up a start.
        self._unsent: list[dict] = []

    def greeting(self) -> dict | None:
        return self._reader.next()

    def publish(self, event: dict) -> None:
        self._unsent.append({"event": event})
        if event.get("status") in ("successful", "failed"):
            self._flush()

    def submitted(self, job_id: str, queue: str) -> None:
        self._unsent.append({"submitted": job_id})

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for message in unsent:
            self.tell(message)

    def tell(self, message: dict) -> None:
        """Send now."""
        try:
            send(self._control, message)
        except OSError:
            self.stop = ClosePolicy.KILL

    def fileno(self) -> int:
        return self._control.fileno()

    def interruption(self, job_id: str) -> str | None:
        self._flush()
        self.hear(0)
        if job_id in self._dismissed:
            return "dismissed"
        return "stopped" if self.stop is ClosePolicy.KILL else None

    def hear(self, timeout_s: float | None) -> None:
        """Take in what the engine says; waits for it, if `timeout_s` allows."""
        while select.select([self._control], [], [], timeout_s)[0]:
            self._reader.fill()
            for message in self._reader.messages():
                if "wake" in message:
                    self.woken = message["wake"]
                elif "cancel" in message:
                    self._dismissed.add(message["cancel"])
                elif "stop" in message:
                    self.stop = ClosePolicy(message["stop"])
            if self._reader.closed:
                self.stop = ClosePolicy.KILL
                return
            timeout_s = 0

    def rest(self) -> None:
        """Between two jobs: send what is left, and forget dismissals of jobs that are not here any more."""
        self._flush()
        self._dismissed.clear()


def main() -> None:
    """Claim and run jobs until told to stop."""
    control, life = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    kernel.hide_from_siblings()
    kernel.adopt_orphans()
    link = SocketLink(control)
    greeting = link.greeting()
    if greeting is None:
        return
    settings = settings_module.load(overrides=[f"{name}={value}" for name, value in greeting["settings"].items()])
    configure_logs(settings.log.level, settings.data_dir / "logs" / f"worker-{greeting['number']}.log")
    children = Children(WARM, settings.work_dir, [life])
    children.start()
    runtime = build(settings)
    try:
        _serve(runtime, greeting["name"], children, link)
    finally:
        children.stop()
        kernel.end_descendants()  # a plugin that is just being read: the end of this process would wait for it
        runtime.store.close()
        os.close(life)


def _serve(runtime: object, name: str, children: Children, link: SocketLink) -> None:
    while link.stop is not ClosePolicy.KILL:
        looked = link.woken
        try:
            claim = None if link.stop is ClosePolicy.CANCEL else runtime.store.jobs.claim_next(name, lease_end(runtime))
        except Unavailable:
            link.hear(_AWAY_S)
            continue
        if claim is not None:
            log.info("job %s of %s: attempt %s", claim.job.id, claim.job.process_id, claim.job.attempt)
            execute_job(runtime, claim, children, link)
            link.rest()
            link.hear(0)
        elif link.stop is not None:
            return
        else:
            link.tell({"idle": looked})
            link.hear(None)


if __name__ == "__main__":
    main()
