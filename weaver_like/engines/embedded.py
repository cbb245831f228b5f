"""EmbeddedEngine: the process manager inside the server; its workers wait on socket pairs and never poll."""

import logging
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec

from weaver_like.domain.codec import MessageError
from weaver_like.domain.events import Event, is_dismissal
from weaver_like.domain.job import DEFAULT_QUEUE
from weaver_like.engines.base import ClosePolicy, Engine, EventHub, Subscription
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
from weaver_like.sandbox.members import Member, Nursery
from weaver_like.sandbox.messages import ForkMember
from weaver_like.sandbox.wire import Wire, WireError

log = logging.getLogger(__name__)
_WORKER = "weaver_like.worker.embedded"
Arguments = ParamSpec("Arguments")
#: A worker that dies younger than this is replaced only after a pause, so that a broken installation does not spin.
_YOUNG_S = 5.0
_PAUSE_S = 1.0
#: Pause before the next try when no process could be started.
_NO_ROOM_S = 5.0
#: How long workers get to end after they were told to end, or were killed.
_END_S = 10.0


@dataclass
class _Worker:
    """One worker process.

    Attributes:
        life: readable (at its end) when worker, zygote and the job's child have all ended.
        heard: it is up.
        idle: it sleeps until it is woken.
    """

    name: str
    process: Member
    control: Wire[ToWorker, FromWorker]
    life: int
    born: float = field(default_factory=time.monotonic)
    heard: bool = False
    idle: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: ToWorker) -> None:
        self.send_encoded(self.control.encode(message))

    def send_encoded(self, data: bytes) -> None:
        with self.lock:
            try:
                self.control.send_encoded(data)
            except OSError:
                pass  # it has died; the end of `life` says so


class EmbeddedEngine(Engine):
    """Runs jobs on worker processes of its own.

    Args:
        count: workers, each runs one job at a time.
        name: of this engine, the same after a restart.
        settings: what a worker must know at its start; sent through the socket, so that no environment shows it.
        nursery: forks the workers, which use it too.
        warm: modules that a worker needs.
        on_lost: called with the name of a worker that died: its job goes back into the queue.
        lock: descriptor that keeps other engines away, closed when this one has stopped.
    """

    def __init__(
        self,
        count: int,
        name: str,
        settings: Mapping[str, str],
        nursery: Nursery,
        warm: tuple[str, ...],
        on_lost: Callable[[str], None],
        lock: int,
    ) -> None:
        self._count = count
        self._name = name
        self._settings = dict(settings)
        self._nursery = nursery
        self._warm = warm
        self._on_lost = on_lost
        self._lock_descriptor = lock
        self._hub = EventHub()
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        # Grows with every submission. A worker that found no job reports the number it knew; an old one is woken again.
        self._submitted = 0
        self._number = 0
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._try(self._on_lost, self._name)
        self._submitted = 1
        for _ in range(self._count):
            self._start_worker()
        self._thread.start()

    def submit(self, job_id: str, queue: str) -> None:
        with self._lock:
            self._submitted += 1
            worker = next((worker for worker in self._workers.values() if worker.idle), None)
            if worker is None:
                return
            worker.idle, number = False, self._submitted
        worker.send(Wake(number))

    def restore(self, waiting: Mapping[str, int]) -> None:
        """Wake idle workers: a repair, or a server that died, may have put a job into the store without a message."""
        for _ in range(min(sum(waiting.values()), self._count)):
            self.submit("", DEFAULT_QUEUE)

    def cancel(self, job_id: str) -> None:
        self._send_all(Cancel(job_id))

    def subscribe(self, topic: str) -> Subscription:
        return Subscription(self._hub, topic)

    def publish(self, event: Event) -> None:
        self._hub.publish(event)

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def refusing(self) -> bool:
        return self._closing

    def trouble(self) -> str | None:
        alive = any(worker.heard and worker.process.lives for worker in list(self._workers.values()))
        return None if alive else "no worker is up"

    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        self._closing = True
        self._stop_workers(policy, grace_s)
        os.write(self._wake_write, b"x")
        self._thread.join(timeout=5)
        self._hub.close()
        with self._lock:  # after two signals, two threads may be here at once
            lock, self._lock_descriptor = self._lock_descriptor, -1
        if lock >= 0:
            os.close(lock)

    def _stop_workers(self, policy: ClosePolicy, grace_s: float) -> None:
        """Stop workers as the policy says, then at once, then by force."""
        self._send_all(Stop(policy))
        if policy is ClosePolicy.JOIN:
            self._wait_for_workers(None)
        elif policy is ClosePolicy.CANCEL and not self._wait_for_workers(grace_s):
            self._send_all(Stop(ClosePolicy.KILL))
        if not self._wait_for_workers(_END_S):
            for worker in list(self._workers.values()):
                worker.process.signal(signal.SIGKILL)
            self._wait_for_workers(_END_S)

    def _wait_for_workers(self, limit_s: float | None) -> bool:
        """False if a worker is still there after `limit_s` seconds. limit_s: None: no limit."""
        end = None if limit_s is None else time.monotonic() + limit_s
        for worker in list(self._workers.values()):
            left_s = None if end is None else max(0.0, end - time.monotonic())
            if not worker.process.wait(left_s):
                return False
        return True

    def _send_all(self, message: ToWorker) -> None:
        workers = list(self._workers.values())
        if not workers:
            return
        data = workers[0].control.encode(message)
        for worker in workers:
            worker.send_encoded(data)

    def _start_worker(self) -> None:
        self._number += 1
        name = f"{self._name}{self._number}/"  # the slash keeps a name from being the beginning of another
        ours, theirs = socket.socketpair()
        life, held = os.pipe()
        order = ForkMember(_WORKER, f"wl-worker-{self._number}", descriptors=4, linked=True, warm=self._warm)
        try:
            process = self._nursery.fork(order, [theirs.fileno(), held])
        except BaseException:
            ours.close()
            os.close(life)
            raise
        finally:
            theirs.close()
            os.close(held)
        worker = _Worker(name, process, Wire(ours, TO_WORKER, FROM_WORKER), life)
        with self._lock:
            self._workers[name] = worker
        self._selector.register(worker.control, selectors.EVENT_READ, (worker, self._read))
        self._selector.register(life, selectors.EVENT_READ, (worker, self._replace_worker))
        worker.send(Greeting(name, self._number, self._settings, self._environment(), os.getcwd()))

    def _environment(self) -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("WEAVER_LIKE_")}

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                worker, handle = key.data
                if worker.name in self._workers:  # else it was replaced a moment ago, in this same round
                    self._try(handle, worker)

    def _try(self, action: Callable[Arguments, None], *arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        """Call and log errors: this thread must outlive every failure, as no other wakes and replaces workers."""
        try:
            action(*arguments, **named)
        except Exception:
            log.exception("the engine failed in %s", action.__name__)

    def _read(self, worker: _Worker) -> None:
        worker.control.fill()
        try:
            for message in worker.control.messages():
                worker.heard = True
                self._handle(worker, message)
        except (WireError, MessageError) as error:
            log.error("worker %s sent an invalid message: %s", worker.name, error)
            worker.process.signal(signal.SIGKILL)
        if worker.control.closed:
            self._selector.unregister(worker.control)
            worker.idle = False

    def _handle(self, worker: _Worker, message: FromWorker) -> None:
        match message:
            case Idle(number):
                self._rest(worker, number)
            case JobSubmitted(job_id):
                self.submit(job_id, DEFAULT_QUEUE)
            case JobNews(event):
                if is_dismissal(event):
                    self.cancel(event.job_id)
                self._hub.publish(event)

    def _rest(self, worker: _Worker, number: int) -> None:
        """A worker found no job; it sleeps, unless one was submitted after it looked."""
        with self._lock:
            worker.idle = number == self._submitted
            number = self._submitted
        if not worker.idle:
            worker.send(Wake(number))

    def _replace_worker(self, worker: _Worker) -> None:
        """Worker, zygote and child have ended: put the job back into the queue, and start a new worker."""
        self._forget(worker)
        if self._closing:
            return
        log.warning("worker %s ended (%s); a new one starts", worker.name, _how_ended(worker.process.code))
        self._try(self._on_lost, worker.name)
        if time.monotonic() - worker.born < _YOUNG_S:
            threading.Timer(_PAUSE_S, self._start_another).start()
        else:
            self._start_another()

    def _forget(self, worker: _Worker) -> None:
        os.read(worker.life, 1)
        self._selector.unregister(worker.life)
        os.close(worker.life)
        worker.process.wait()
        if worker.control in self._selector.get_map():
            self._selector.unregister(worker.control)
        with self._lock:
            del self._workers[worker.name]
        worker.control.close()

    def _start_another(self) -> None:
        if self._closing:
            return
        try:
            self._start_worker()
        except OSError:  # no memory or descriptor left for a moment
            log.exception("no worker could be started; trying again later")
            threading.Timer(_NO_ROOM_S, self._start_another).start()


def _how_ended(code: int | None) -> str:
    if code is None:
        return "not told how"
    return f"code {code}" if code >= 0 else signal.Signals(-code).name
