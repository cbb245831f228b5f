"""A Celery worker: `weaver-like worker`, which starts `python -m weaver_like.worker.celery SETTINGS OPTIONS`.

SETTINGS: number of a file descriptor that holds the settings as JSON, so that no environment and no argument shows a secret.
OPTIONS: {"concurrency", "queues", "pool"} as JSON.
"""

import logging
import os
import select
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from functools import partial

from weaver_like import settings as settings_module
from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.domain.job import Job
from weaver_like.engines.base import ClosePolicy, WorkerLink
from weaver_like.engines.celery.broker import Broker
from weaver_like.engines.celery.bus import EVENTS, ORDERS, Bus
from weaver_like.engines.celery.engine import CeleryEngine
from weaver_like.engines.celery.worker import Duties, Options, run_worker
from weaver_like.jobs.execute import execute_job
from weaver_like.jobs.housekeeper import Housekeeper
from weaver_like.jobs.names import hold_some_name
from weaver_like.jobs.progress import lease_end
from weaver_like.jobs.recover import announce, recover_lost
from weaver_like.jobs.scheduler import Scheduler
from weaver_like.jobs.start import prepare_store
from weaver_like.observe.logs import configure_logs
from weaver_like.runtime import Runtime
from weaver_like.sandbox import kernel
from weaver_like.sandbox.children import Children
from weaver_like.schemas.jsontext import loads
from weaver_like.settings import Settings
from weaver_like.wiring import WARM, build

log = logging.getLogger(__name__)
#: Orders that came before their job was claimed are remembered so far back.
_REMEMBERED = 1000
#: Progress is passed on at most so often: listeners are people, and a job may report in a loop.
_PROGRESS_S = 0.1


class BusLink(WorkerLink):
    """One job's connection to the servers. stop: descriptor that becomes, and stays, readable when this worker must stop."""

    def __init__(self, bus: Bus, stop: int):
        self._bus = bus
        self._stop = stop
        self._ordered = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._dismissed: deque[str] = deque(maxlen=_REMEMBERED)
        self._progress: dict | None = None
        self._progressed = 0.0
        self._ready = select.epoll()
        for descriptor in (self._ordered, stop):
            self._ready.register(descriptor, select.EPOLLIN)

    def order(self, job_id: str) -> None:
        """Called by the bus: a job was dismissed, perhaps ours."""
        self._dismissed.append(job_id)
        os.eventfd_write(self._ordered, 1)

    def publish(self, event: dict) -> None:
        if event["kind"] == "progress" and not event.get("outbox"):
            self._progress = event
            self._tell_progress()
            return
        self._tell_progress(last=event["kind"] == "status")
        self._bus.tell(EVENTS, event)

    def _tell_progress(self, last: bool = False) -> None:
        """The newest progress, if it is time; of those in between nobody hears."""
        if self._progress is not None and (last or time.monotonic() - self._progressed >= _PROGRESS_S):
            self._bus.tell(EVENTS, self._progress)
            self._progress, self._progressed = None, time.monotonic()

    def submitted(self, job_id: str, queue: str) -> None:
        self._bus.wake(job_id, queue)

    def fileno(self) -> int:
        return self._ready.fileno()

    def interruption(self, job_id: str) -> str | None:
        self._tell_progress()
        ready = {descriptor for descriptor, _ in self._ready.poll(0)}
        if self._ordered in ready:
            os.eventfd_read(self._ordered)
        if job_id in self._dismissed:
            return "dismissed"
        return "stopped" if self._stop in ready else None


class _Hand(threading.local):
    """What one thread of the pool works with: a zygote and a link."""

    children: Children | None = None
    link: BusLink | None = None


class Hands:
    """One process of the pool. slot: name of this worker, the same after a restart.  single: one thread runs all of its jobs."""

    def __init__(self, settings: Settings, broker: Broker, slot: str, stop: int, single: bool):
        self._single = single
        self._settings = settings
        self._broker = broker
        self._slot = slot
        self._stop = stop
        self._hand = _Hand()
        self._links: list[BusLink] = []
        self._zygotes: list[Children] = []

    def open(self) -> None:
        """In a process that has just been forked: nothing of its parent's connections is used."""
        kernel.hide_from_siblings()
        kernel.adopt_orphans()
        self._name = f"{self._slot}/{kernel.identity(os.getpid())}/"
        self._runtime = build(self._settings)
        self._bus = Bus(self._broker, ORDERS, self._hear)
        self._bus.start()
        if self._single:
            self._take()

    def perform(self, queue: str) -> None:
        """Run the most urgent job of a queue, if there is one."""
        children, link = self._take()
        try:
            claim = self._runtime.store.jobs.claim_next(self._name, lease_end(self._runtime), queue)
        except Unavailable:
            return  # the housekeeper sends another message when the store is back
        if claim is None:
            return
        log.info("job %s of %s: attempt %s", claim.job.id, claim.job.process_id, claim.job.attempt)
        execute_job(self._runtime, claim, children, link)

    def close(self) -> None:
        for zygote in self._zygotes:
            zygote.stop()
        kernel.end_descendants()  # a plugin that is just being read: the end of this process would wait for it
        self._bus.close()
        self._runtime.store.close()

    def _take(self) -> tuple[Children, BusLink]:
        """This thread's own zygote and link."""
        hand = self._hand
        if hand.children is None:
            hand.children, hand.link = Children(WARM, self._settings.work_dir), BusLink(self._bus, self._stop)
            self._zygotes.append(hand.children)
            self._links.append(hand.link)
            hand.children.start()
        return hand.children, hand.link

    def _hear(self, order: dict) -> None:
        for link in list(self._links):
            link.order(str(order.get("cancel")))


class Keeper:
    """The main process: it runs no job, it keeps house."""

    def __init__(self, settings: Settings, broker: Broker, slot: str, stop: int):
        self._settings = settings
        self._stop = stop
        self._slot = slot
        self._engine = CeleryEngine(broker, hears_events=False)
        self.runtime: Runtime = replace(build(settings), engine=self._engine)
        self._housekeeper = Housekeeper(self.runtime, kernel.identity(os.getpid()) or slot, self._recover)

    def ready(self) -> None:
        """The pool is there: threads do not start before it was forked."""
        self._engine.start()
        self._housekeeper.start()
        Scheduler(self.runtime).start()

    def lost(self) -> None:
        """A process of the pool died."""
        self._housekeeper.wake()

    def stopping(self) -> None:
        """Celery takes no more messages and waits for what runs; what runs too long is given back."""
        self._housekeeper.stop()
        policy = ClosePolicy(self._settings.engine.close)
        log.info("stopping: engine.close is %s, running jobs have %g s", policy, self._settings.engine.close_grace_s)
        if policy is ClosePolicy.JOIN:
            return
        if policy is ClosePolicy.CANCEL:
            time.sleep(self._settings.engine.close_grace_s)
        os.eventfd_write(self._stop, 1)

    def _recover(self) -> None:
        """Jobs of processes of this worker that have died: of its pool, or of an earlier run."""
        recover_lost(self.runtime, f"{self._slot}/", partial(announce, self._engine), _is_lost)


def _is_lost(job: Job) -> bool:
    who = (job.worker or "").split("/")[1]
    return kernel.identity(int(who.partition("-")[0])) != who


def main() -> int:
    """Work until a signal; the exit code."""
    try:
        return _work()
    except SettingError as error:
        print(f"Error: {error.detail}", file=sys.stderr)
        return 1


def _work() -> int:
    kernel.hide_from_siblings()
    with open(int(sys.argv[1]), "rb") as file:
        settings = settings_module.load(pairs=loads(file.read()))
    given = loads(sys.argv[2].encode())
    configure_logs(settings.log.level, console=True)
    broker = Broker(settings.celery.broker_url, settings.celery.prefix)
    slot, _held = hold_some_name(settings.data_dir, "worker")
    stop = os.eventfd(0, os.EFD_CLOEXEC)
    keeper, hands = (
        Keeper(settings, broker, slot, stop),
        Hands(settings, broker, slot, stop, given["pool"] != "threads"),
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if not prepare_store(keeper.runtime, stopped):
        return 0
    options = Options(given["concurrency"], tuple(given["queues"]), given["pool"], slot)
    return run_worker(
        broker, options, Duties(hands.open, hands.perform, hands.close, keeper.ready, keeper.lost, keeper.stopping)
    )


if __name__ == "__main__":
    sys.exit(main())
