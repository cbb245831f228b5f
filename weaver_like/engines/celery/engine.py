"""CeleryEngine: jobs on workers anywhere, through RabbitMQ or Redis."""

from collections.abc import Mapping

from weaver_like.engines.base import EVERY_JOB, ClosePolicy, Engine, EventHub, Subscription
from weaver_like.engines.celery.broker import Broker
from weaver_like.engines.celery.bus import EVENTS, ORDERS, Bus


class CeleryEngine(Engine):
    """In servers and in the main process of workers; any number may come and go.

    A message wakes a worker, which claims the most urgent job of its queue: priorities and their ageing are the store's, and a
    message that is lost or comes twice loses or doubles no job.
    """

    def __init__(self, broker: Broker, hears_events: bool = True):
        self._hub = EventHub()
        self._bus = Bus(broker, EVENTS if hears_events else "", self._hub.publish, self._look_again)
        self._closing = False

    def start(self) -> None:
        self._bus.start()

    def submit(self, job_id: str, queue: str) -> None:
        self._bus.wake(job_id, queue)

    def restore(self, waiting: Mapping[str, int]) -> None:
        """Send what is missing: a broker may lose its messages, and a server may die between the store and the broker."""
        for queue, number in waiting.items():
            present = self._bus.count(queue)
            for _ in range(0 if present is None else number - present):
                self._bus.wake("", queue)

    def cancel(self, job_id: str) -> None:
        self._bus.tell(ORDERS, {"cancel": job_id})

    def subscribe(self, job_id: str) -> Subscription:
        return Subscription(self._hub, job_id)

    def publish(self, event: dict) -> None:
        self._hub.publish(event)
        self._bus.tell(EVENTS, event)

    def _look_again(self) -> None:
        self._hub.publish({"job": EVERY_JOB, "kind": "missed", "outbox": True})

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def refusing(self) -> bool:
        """Workers go on without this server; the housekeeper of another process sends what this one does not send any more."""
        return False

    def trouble(self) -> str | None:
        return self._bus.trouble

    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        """The workers go on: they are processes of their own."""
        self._closing = True
        self._hub.close()
        self._bus.close()
