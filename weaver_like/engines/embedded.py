"""EmbeddedEngine: the process manager inside the server: workers on socket pairs, woken, never polling, no port, no pickle."""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from weaver_like.domain.job import DEFAULT_QUEUE
from weaver_like.engines.base import ClosePolicy, Engine, EventHub, Subscription
from weaver_like.sandbox.wire import Reader, WireError, send

log = logging.getLogger(__name__)
#: A worker that dies younger than this is started again only after a pause: a broken installation must not spin.
_YOUNG_S = 5.0


@dataclass
class _Worker:
    """One worker process. heard: it has come up.  life: readable (at its end) when worker and zygote have both gone, and the job's child with them."""

    name: str
    process: subprocess.Popen
    control: socket.socket
    reader: Reader
    life: int
    born: float = field(default_factory=time.monotonic)
    heard: bool = False
    idle: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, message: dict) -> None:
        with self.lock:
            try:
                send(self.control, message)
            except OSError:
                pass  # it has died; the end of `life` says so


class EmbeddedEngine(Engine):
    """count: workers, each runs one job at a time.  name: of this engine, the same after a restart.

    greeting: what a worker must know at its start (its settings), sent through the socket so that no environment holds it.
    on_lost: called with the name of a worker that died: its job goes back into the queue.
    lock: descriptor that keeps other engines away, closed when this one has stopped.
    """

    def __init__(self, count: int, name: str, greeting: Mapping, on_lost: Callable[[str], None], lock: int):
        self._count = count
        self._name = name
        self._greeting = dict(greeting)
        self._on_lost = on_lost
        self._lock_descriptor = lock
        self._hub = EventHub()
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        # Grows with every submission. A worker says with which number it last looked; if it looked too early it is woken again.
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
            self._spawn()
        self._thread.start()

    def submit(self, job_id: str, queue: str) -> None:
        with self._lock:
            self._submitted += 1
            worker = next((worker for worker in self._workers.values() if worker.idle), None)
            if worker is None:
                return
            worker.idle, number = False, self._submitted
        worker.tell({"wake": number})

    def restore(self, waiting: Mapping[str, int]) -> None:
        """Wake who sleeps: a job may have come into the store without a word, by a repair or by a server that died."""
        for _ in range(min(sum(waiting.values()), self._count)):
            self.submit("", DEFAULT_QUEUE)

    def cancel(self, job_id: str) -> None:
        for worker in list(self._workers.values()):
            worker.tell({"cancel": job_id})

    def subscribe(self, job_id: str) -> Subscription:
        return Subscription(self._hub, job_id)

    def publish(self, event: dict) -> None:
        self._hub.publish(event)

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def refusing(self) -> bool:
        return self._closing

    def trouble(self) -> str | None:
        alive = any(worker.heard and worker.process.poll() is None for worker in list(self._workers.values()))
        return None if alive else "no worker is up"

    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        self._closing = True
        for worker in list(self._workers.values()):
            worker.tell({"stop": str(policy)})
        if policy is not ClosePolicy.KILL and not self._wait_for_workers(
            None if policy is ClosePolicy.JOIN else grace_s
        ):
            for worker in list(self._workers.values()):
                worker.tell({"stop": "kill"})
        if not self._wait_for_workers(10):
            for worker in list(self._workers.values()):
                worker.process.kill()
            self._wait_for_workers(10)
        os.write(self._wake_write, b"x")
        self._thread.join(timeout=5)
        self._hub.close()
        with self._lock:  # two signals: two threads come here at the same moment
            lock, self._lock_descriptor = self._lock_descriptor, -1
        if lock >= 0:
            os.close(lock)

    def _wait_for_workers(self, limit_s: float | None) -> bool:
        end = None if limit_s is None else time.monotonic() + limit_s
        for worker in list(self._workers.values()):
            try:
                worker.process.wait(None if end is None else max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
        return True

    def _spawn(self) -> None:
        self._number += 1
        name = f"{self._name}{self._number}/"  # with its end: no name is the beginning of another
        ours, theirs = socket.socketpair()
        life, held = os.pipe()
        command = [sys.executable, "-m", "weaver_like.worker.embedded", str(theirs.fileno()), str(held)]
        # Own session: Ctrl-C in the terminal goes to the server alone, which decides how to stop.
        process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno(), held],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        os.close(held)
        worker = _Worker(name, process, ours, Reader(ours), life)
        with self._lock:
            self._workers[name] = worker
        self._selector.register(ours, selectors.EVENT_READ, (worker, self._hear))
        self._selector.register(life, selectors.EVENT_READ, (worker, self._bury))
        worker.tell(self._greeting | {"name": name, "number": self._number})

    def _environment(self) -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("WEAVER_LIKE_")}

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                worker, handle = key.data
                if worker.name in self._workers:  # else it was buried a moment ago, in this same round
                    self._try(handle, worker)

    def _try(self, action: Callable, *arguments: object) -> None:
        """This thread must outlive every failure of the store or the system: nobody else wakes and replaces workers."""
        try:
            action(*arguments)
        except Exception:
            log.exception("the engine failed in %s", action.__name__)

    def _hear(self, worker: _Worker) -> None:
        worker.reader.fill()
        try:
            for message in worker.reader.messages():
                worker.heard = True
                if "idle" in message:
                    self._rest(worker, message["idle"])
                elif "submitted" in message:
                    self.submit(message["submitted"], DEFAULT_QUEUE)
                elif "event" in message:
                    self._hub.publish(message["event"])
        except WireError as error:
            log.error("worker %s sent nonsense: %s", worker.name, error)
            worker.process.kill()
        if worker.reader.closed:
            self._selector.unregister(worker.control)
            worker.idle = False

    def _rest(self, worker: _Worker, number: int) -> None:
        """A worker found no job; it sleeps, unless one was submitted after it looked."""
        with self._lock:
            worker.idle = number == self._submitted
            number = self._submitted
        if not worker.idle:
            worker.tell({"wake": number})

    def _bury(self, worker: _Worker) -> None:
        """Worker, zygote and child have gone: the job goes back into the queue, and a new worker starts."""
        os.read(worker.life, 1)
        self._selector.unregister(worker.life)
        os.close(worker.life)
        worker.process.wait()
        if worker.control in self._selector.get_map():
            self._selector.unregister(worker.control)
        with self._lock:
            del self._workers[worker.name]
        worker.control.close()
        if self._closing:
            return
        how = worker.process.returncode
        log.warning(
            "worker %s ended (%s); a new one starts",
            worker.name,
            signal.Signals(-how).name if how < 0 else f"code {how}",
        )
        self._try(self._on_lost, worker.name)
        if time.monotonic() - worker.born < _YOUNG_S:
            threading.Timer(1.0, self._respawn).start()
        else:
            self._respawn()

    def _respawn(self) -> None:
        if self._closing:
            return
        try:
            self._spawn()
        except OSError:  # no memory or descriptor left for a moment
            log.exception("no worker could be started; another try follows")
            threading.Timer(5.0, self._respawn).start()
