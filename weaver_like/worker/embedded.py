"""A worker process of the embedded engine, forked by the nursery."""

import logging
import os
import select
import signal
import socket

from weaver_like import settings as settings_module
from weaver_like.domain.errors import Unavailable
from weaver_like.domain.events import JobEvent, StatusChanged
from weaver_like.domain.job import Claim
from weaver_like.engines.base import ClosePolicy, Interruption, WorkerLink
from weaver_like.engines.messages import (
    FROM_WORKER,
    TO_WORKER,
    Cancel,
    FromWorker,
    Greeting,
    Idle,
    JobNews,
    JobSubmitted,
    Stop,
    ToWorker,
    Wake,
)
from weaver_like.jobs.execute import execute_job
from weaver_like.jobs.progress import lease_end
from weaver_like.observe.logs import configure_logs
from weaver_like.runtime import Runtime
from weaver_like.sandbox import kernel
from weaver_like.sandbox.children import Children
from weaver_like.sandbox.messages import ForkMember
from weaver_like.sandbox.wire import Wire
from weaver_like.warm import NURSERY, WARM
from weaver_like.wiring import build

log = logging.getLogger(__name__)
#: Pause before the next look while the store is away.
_AWAY_S = 1.0


class SocketLink(WorkerLink):
    """The worker's end of the socket pair. If the engine has gone, the worker stops at once.

    Attributes:
        woken: number of the last `Wake`.
        stop: how the worker must stop; None: not now.
    """

    def __init__(self, control: Wire[FromWorker, ToWorker]):
        self._control = control
        self.woken = 0
        self.stop: ClosePolicy | None = None
        self._dismissed: set[str] = set()
        # Events wait for the next look at the engine or for the end of the job, so that they do not delay its start.
        self._unsent: list[FromWorker] = []

    def publish(self, event: JobEvent) -> None:
        self._unsent.append(JobNews(event))
        if isinstance(event, StatusChanged) and event.status.final:
            self._flush()

    def submitted(self, job_id: str, queue: str) -> None:
        self._unsent.append(JobSubmitted(job_id))

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for message in unsent:
            self.send(message)

    def send(self, message: FromWorker) -> None:
        """Send a message at once."""
        try:
            self._control.send(message)
        except OSError:
            self.stop = ClosePolicy.KILL

    def fileno(self) -> int:
        return self._control.fileno()

    def serves(self, queue: str) -> bool:
        return True

    def interruption(self, job_id: str) -> Interruption | None:
        self._flush()
        self.listen(0)
        if job_id in self._dismissed:
            return Interruption.DISMISSED
        return Interruption.STOPPED if self.stop is ClosePolicy.KILL else None

    def listen(self, timeout_s: float | None) -> None:
        """Handle messages of the engine; waits for the first one up to `timeout_s` (None: without limit)."""
        while select.select([self._control], [], [], timeout_s)[0]:
            self._control.fill()
            for message in self._control.messages():
                self._handle(message)
            if self._control.closed:
                self.stop = ClosePolicy.KILL
                return
            timeout_s = 0

    def _handle(self, message: ToWorker) -> None:
        match message:
            case Wake(number):
                self.woken = number
            case Cancel(job_id):
                self._dismissed.add(job_id)
            case Stop(policy):
                self.stop = policy

    def rest(self) -> None:
        """Between two jobs: send what is left, and forget the dismissals of earlier jobs."""
        self._flush()
        self._dismissed.clear()


def be_member(_order: ForkMember, descriptors: list[int]) -> None:
    """Claim and run jobs until told to stop.

    Args:
        descriptors: the socket to the engine, which carries `engines.messages`; a pipe that worker and zygote hold open
            while they live; a link to the nursery.
    """
    control, life, link = descriptors
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C goes to the server alone, which decides how to stop
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    kernel.hide_from_siblings()
    kernel.adopt_orphans()
    NURSERY.join(link)
    channel: Wire[FromWorker, ToWorker] = Wire(socket.socket(fileno=control), FROM_WORKER, TO_WORKER)
    greeting = channel.receive()
    if isinstance(greeting, Greeting):
        os.environ.clear()
        os.environ.update(greeting.environment)
        os.chdir(greeting.folder)
        _work(greeting, SocketLink(channel), life)


def _work(greeting: Greeting, link: SocketLink, life: int) -> None:
    settings = settings_module.load(overrides=[f"{name}={value}" for name, value in greeting.settings.items()])
    configure_logs(settings.log.level, settings.data_dir / "logs" / f"worker-{greeting.number}.log")
    children = Children(NURSERY, WARM, settings.work_dir, [life], f"wl-zygote-{greeting.number}")
    children.start()
    runtime = build(settings)
    try:
        _serve(runtime, greeting.name, children, link)
    finally:
        children.close()
        kernel.end_descendants()  # e.g. of a plugin that is being read: the end of this process would wait for it
        runtime.store.close()
        os.close(life)


def _serve(runtime: Runtime, name: str, children: Children, link: SocketLink) -> None:
    while link.stop is not ClosePolicy.KILL:
        looked = link.woken
        try:
            claim = _claim(runtime, name, link)
        except Unavailable:
            link.listen(_AWAY_S)
            continue
        if claim is not None:
            log.info("job %s of %s: attempt %s", claim.job.id, claim.job.process_id, claim.job.attempt)
            execute_job(runtime, claim, children, link)
            link.rest()
            link.listen(0)
        elif link.stop is not None:
            return
        else:
            link.send(Idle(looked))
            link.listen(None)


def _claim(runtime: Runtime, name: str, link: SocketLink) -> Claim | None:
    """The next job. Raises: Unavailable."""
    if link.stop is ClosePolicy.CANCEL:
        return None
    return runtime.store.jobs.claim_next(name, lease_end(runtime))
