"""The Celery application of an installation: one task by name, queues below a prefix."""

from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from weaver_like.domain.errors import SettingError

#: The task is known by its name alone, so a sender need not import its code.
TASK = "weaver_like.execute_job"
_DAY_S = 86400
#: Longest pause between two tries to reach a broker that is away.
LONGEST_PAUSE_S = 5


@dataclass(frozen=True, slots=True)
class Broker:
    """Where messages go. prefix: of every name on the broker, so that installations may share one."""

    url: str
    prefix: str

    def queue(self, name: str) -> Queue:
        """The broker's queue for a queue of the store; durable."""
        exchange = Exchange(self.prefix, type="direct")  # type: ignore[no-untyped-call]
        full_name = f"{self.prefix}.{name}"
        return Queue(full_name, exchange, routing_key=full_name)  # type: ignore[no-untyped-call]

    def channel(self, name: str) -> Exchange:
        """An exchange that passes every message to all processes that listen at that moment."""
        full_name = f"{self.prefix}.{name}"
        return Exchange(full_name, type="fanout", durable=False, delivery_mode=1)  # type: ignore[no-untyped-call]

    def name_of(self, routing_key: str) -> str:
        return routing_key.removeprefix(self.prefix + ".")


class _Connection(Connection):
    """Reconnects to a broker that is away as often as our servers do; kombu's own would wait half a minute."""

    def ensure_connection(self, *arguments: object, **options: object) -> Any:
        options |= {"interval_start": 1, "interval_step": 1, "interval_max": LONGEST_PAUSE_S}
        return super().ensure_connection(*arguments, **options)  # type: ignore[no-untyped-call]


def make_celery(broker: Broker) -> Celery:
    """The application, for senders and workers.

    A message is acknowledged when its job has ended, and redelivered if its worker dies. It only wakes a worker, so it
    may come twice or not at all. Results are kept in our store, not by Celery.

    Raises: SettingError.
    """
    if broker.url.partition(":")[0] not in ("amqp", "amqps", "redis", "rediss"):
        raise SettingError("engine.kind=celery needs 'celery.broker_url': amqp://... (RabbitMQ) or redis://...")
    app = Celery("weaver_like", broker=broker.url, set_as_current=False)
    app.amqp.Connection = _Connection
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_create_missing_queues=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=4,
        # A job goes on while the broker is away: its state is in the store.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_proc_alive_timeout=60,
    )
    if broker.url.startswith("redis"):
        # Redis redelivers a message not acknowledged within the first; an extra message does no harm.
        app.conf.broker_transport_options = {
            "visibility_timeout": _DAY_S,
            "socket_keepalive": True,
            "socket_connect_timeout": 4,
        }
    return app
