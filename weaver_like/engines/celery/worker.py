"""Celery's side of a worker: takes messages, has each one run a job, and stops in order."""

import logging
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Celery, Task, signals
from celery.worker.request import Request

from weaver_like.engines.celery.broker import TASK, Broker, make_celery

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """concurrency: jobs at once.  queues: names as processes give them.  pool: prefork, threads or solo."""

    concurrency: int
    queues: tuple[str, ...]
    pool: str
    name: str


@dataclass(frozen=True, slots=True)
class Duties:
    """What the pool calls. opened, closed: in each process of the pool.  perform: (queue) for each message.

    In the main process: ready: once messages are taken.  lost: when a process of the pool has died.
    stopping: when a stop has begun.
    """

    opened: Callable[[], None]
    perform: Callable[[str], None]
    closed: Callable[[], None]
    ready: Callable[[], None]
    lost: Callable[[], None]
    stopping: Callable[[], None]


def run_worker(broker: Broker, options: Options, duties: Duties) -> int:
    """Work until a signal; its exit code. SIGTERM lets running jobs end, as far as `duties.stopping` does."""
    app = make_celery(broker)
    app.conf.task_queues = [broker.queue(name) for name in options.queues]
    app.conf.task_default_queue = app.conf.task_queues[0].name
    _register(app, broker, duties)

    _quiet_logs()
    _connect_signals(options.pool, duties)
    worker = app.Worker(
        concurrency=options.concurrency,
        pool=options.pool,
        hostname=f"{options.name}@{platform.node()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return worker.exitcode or 0


def _quiet_logs() -> None:
    for name in ("celery.app.trace", "celery.worker.strategy"):  # two lines a message, besides ours for each job
        logging.getLogger(name).setLevel(logging.WARNING)
    # After a broker was away: a message that cannot be acknowledged is redelivered, and runs nothing twice.
    logging.getLogger("celery.worker.request").addFilter(lambda record: not str(record.msg).startswith("Couldn't ack"))
    # This setting is as we want it; no warning is needed.
    setting = "worker_cancel_long_running_tasks_on_connection_loss"
    logging.getLogger("py.warnings").addFilter(lambda record: setting not in record.getMessage())


def _connect_signals(pool: str, duties: Duties) -> None:
    """Connected with strong references: nothing else holds these functions."""
    signals.setup_logging.connect(lambda **_: None, weak=False)  # logs are ours
    if pool == "prefork":
        signals.worker_process_init.connect(lambda **_: duties.opened(), weak=False)
        signals.worker_process_shutdown.connect(lambda **_: duties.closed(), weak=False)
    else:
        signals.worker_init.connect(lambda **_: duties.opened(), weak=False)
        signals.worker_shutdown.connect(lambda **_: duties.closed(), weak=False)
    signals.worker_ready.connect(lambda **_: duties.ready(), weak=False)
    signals.worker_shutting_down.connect(lambda **_: _run_beside(duties.stopping), weak=False)


def _run_beside(action: Callable[[], None]) -> None:
    threading.Thread(target=action, daemon=True).start()


def _register(app: Celery, broker: Broker, duties: Duties) -> None:
    class _Request(Request):  # type: ignore[misc]  # Celery has no types
        """Reports the death of a pool process at once, before the lease of its job expires."""

        def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> object:
            error = exc_info.exception
            if isinstance(getattr(error, "exc", error), (WorkerLostError, SystemExit)):  # the pool may have wrapped it
                duties.lost()
            return super().on_failure(exc_info, send_failed_event, return_ok)

    class _Task(Task):  # type: ignore[misc]
        """Claims the most urgent job of the queue that the message came through; the id in it is informative."""

        name = TASK
        Request = _Request

        def run(self, job_id: str) -> None:
            duties.perform(broker.name_of(self.request.delivery_info["routing_key"]))

    app.register_task(_Task())
