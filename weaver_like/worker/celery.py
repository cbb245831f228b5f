"""A Celery worker: `weaver-like worker`, which starts `python -m weaver_like.worker.celery SETTINGS OPTIONS`.

SETTINGS: number of a file descriptor that holds the settings as JSON: no environment and no argument shows a secret.
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
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from weaver_like import settings as settings_module
from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.domain.events import JobEvent, ProgressMade, StatusChanged, is_dismissal
from weaver_like.domain.job import Job
from weaver_like.engines.base import ClosePolicy, Interruption, WorkerLink
from weaver_like.engines.celery.broker import Broker
from weaver_like.engines.celery.bus import EVENT_CHANNEL, ORDER_CHANNEL, Bus, Listener
from weaver_like.engines.celery.engine import CeleryEngine
from weaver_like.engines.celery.worker import Duties, Options, run_worker
from weaver_like.engines.messages import Cancel
from weaver_like.jobs.execute import execute_job
from weaver_like.jobs.housekeeper import Housekeeper
from weaver_like.jobs.names import hold_some_name
from weaver_like.jobs.progress import lease_end
from weaver_like.jobs.recover import announce, recover_lost
from weaver_like.jobs.scheduler import Scheduler
from weaver_like.jobs.start import prepare_store
from weaver_like.jobs.tracker import RunTracker
from weaver_like.observe.logs import configure_logs
from weaver_like.runtime import Runtime
from weaver_like.sandbox import kernel
from weaver_like.sandbox.children import Children
from weaver_like.schemas.jsontext import loads
from weaver_like.settings import Settings
from weaver_like.warm import NURSERY, WARM
from weaver_like.wiring import build

log = logging.getLogger(__name__)
#: How many orders are remembered, as one may come before its job is claimed.
_REMEMBERED = 1000
#: Shortest interval between two reports of progress: listeners are people, and a job may report in a loop.
_PROGRESS_S = 0.1


class BusLink(WorkerLink):
    """A pool thread's connection to the servers.

    Args:
        stop: descriptor that becomes, and stays, readable when it must stop.
        queues: those that this worker takes jobs from.
    """

    def __init__(self, bus: Bus, stop: int, queues: Collection[str]):
        self._bus = bus
        self._stop = stop
        self._queues = frozenset(queues)
        self._ordered = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._dismissed: deque[str] = deque(maxlen=_REMEMBERED)
        self._progress: ProgressMade | None = None
        self._progressed = 0.0
        self._ready = select.epoll()
        for descriptor in (self._ordered, stop):
            self._ready.register(descriptor, select.EPOLLIN)

    def cancel(self, job_id: str) -> None:
        """Called by the bus: a job was dismissed, perhaps ours."""
        self._dismissed.append(job_id)
        os.eventfd_write(self._ordered, 1)

    def publish(self, event: JobEvent) -> None:
        if isinstance(event, ProgressMade) and not event.outbox:
            self._progress = event
            self._send_progress()
            return
        self._send_progress(last=isinstance(event, StatusChanged))
        if is_dismissal(event):
            self._bus.send(ORDER_CHANNEL, Cancel(event.job_id))
        self._bus.send(EVENT_CHANNEL, event)

    def _send_progress(self, last: bool = False) -> None:
        """Send the newest progress, if it is time; progress in between is dropped."""
        if self._progress is not None and (last or time.monotonic() - self._progressed >= _PROGRESS_S):
            self._bus.send(EVENT_CHANNEL, self._progress)
            self._progress, self._progressed = None, time.monotonic()

    def submitted(self, job_id: str, queue: str) -> None:
        self._bus.wake(job_id, queue)

    def fileno(self) -> int:
        return self._ready.fileno()

    def serves(self, queue: str) -> bool:
        return queue in self._queues

    def interruption(self, job_id: str) -> Interruption | None:
        self._send_progress()
        ready = {descriptor for descriptor, _ in self._ready.poll(0)}
        if self._ordered in ready:
            os.eventfd_read(self._ordered)
        if job_id in self._dismissed:
            return Interruption.DISMISSED
        return Interruption.STOPPED if self._stop in ready else None


@dataclass(frozen=True, slots=True)
class Station:
    """What a worker works with.

    Args:
        slot: its name, the same after a restart.
        stop: readable when the worker must stop.
        queues: those that it takes jobs from.
    """

    settings: Settings
    broker: Broker
    slot: str
    stop: int
    queues: tuple[str, ...]


class _OfThread(threading.local):
    """What one thread of the pool works with."""

    children: Children | None = None
    link: BusLink | None = None


class PoolProcess:
    """One process of the pool, which runs jobs. single: one thread runs all of its jobs."""

    _name: str
    _runtime: Runtime
    _bus: Bus

    def __init__(self, station: Station, single: bool):
        self._station = station
        self._single = single
        self._own = _OfThread()
        self._links: list[BusLink] = []
        self._zygotes: list[Children] = []

    def open(self) -> None:
        """Open connections of its own: a process that was just forked uses none of its parent's."""
        kernel.hide_from_siblings()
        kernel.adopt_orphans()
        self._name = f"{self._station.slot}/{kernel.identity(os.getpid())}/"
        self._runtime = build(self._station.settings)
        self._bus = Bus(self._station.broker, Listener(ORDER_CHANNEL, self._cancel))
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
            zygote.close()
        NURSERY.close()
        kernel.end_descendants()  # e.g. of a plugin that is being read: the end of this process would wait for it
        self._bus.close()
        self._runtime.store.close()

    def _take(self) -> tuple[Children, BusLink]:
        """This thread's own zygote and link."""
        own = self._own
        if own.children is None or own.link is None:
            own.children = Children(NURSERY, WARM, self._station.settings.work_dir)
            own.link = BusLink(self._bus, self._station.stop, self._station.queues)
            self._zygotes.append(own.children)
            self._links.append(own.link)
            own.children.start()
        return own.children, own.link

    def _cancel(self, order: Cancel) -> None:
        for link in list(self._links):
            link.cancel(order.job_id)


class MainProcess:
    """The process that started the pool: it keeps house and runs no job."""

    def __init__(self, station: Station):
        self._station = station
        self._engine = CeleryEngine(station.broker, hears_events=False)
        self.runtime: Runtime = replace(build(station.settings), engine=self._engine)
        holder = kernel.identity(os.getpid()) or station.slot
        self._housekeeper = Housekeeper(self.runtime, holder, self._recover)
        self._tracker = RunTracker(self.runtime, holder)

    def ready(self) -> None:
        """The pool is up: start the threads, which must not exist before the fork."""
        self._engine.start()
        self._housekeeper.start()
        Scheduler(self.runtime).start()
        self._tracker.start()

    def lost(self) -> None:
        """A process of the pool died."""
        self._housekeeper.wake()

    def stopping(self) -> None:
        """Celery takes no more messages and waits for running jobs; those that run too long are given back."""
        self._housekeeper.stop()
        self._tracker.stop()
        engine = self._station.settings.engine
        policy = ClosePolicy(engine.close)
        log.info("stopping: engine.close is %s, running jobs have %g s", policy, engine.close_grace_s)
        if policy is ClosePolicy.JOIN:
            return
        if policy is ClosePolicy.CANCEL:
            time.sleep(engine.close_grace_s)
        os.eventfd_write(self._station.stop, 1)

    def _recover(self) -> None:
        """Recover jobs of dead processes of this worker, of its pool or of an earlier run."""
        recover_lost(self.runtime, f"{self._station.slot}/", partial(announce, self._engine), _is_lost)


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
        pairs: Any = loads(file.read())
    settings = settings_module.load(pairs=pairs)
    given: Any = loads(sys.argv[2])
    configure_logs(settings.log.level, console=True)
    broker = Broker(settings.celery.broker_url, settings.celery.prefix)
    slot, _held = hold_some_name(settings.data_dir, "worker")
    station = Station(settings, broker, slot, os.eventfd(0, os.EFD_CLOEXEC), tuple(given["queues"]))
    leader, member = MainProcess(station), PoolProcess(station, single=given["pool"] != "threads")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if not prepare_store(leader.runtime, stopped):
        return 0
    options = Options(given["concurrency"], tuple(given["queues"]), given["pool"], slot)
    duties = Duties(member.open, member.perform, member.close, leader.ready, leader.lost, leader.stopping)
    return run_worker(broker, options, duties)


if __name__ == "__main__":
    sys.exit(main())
