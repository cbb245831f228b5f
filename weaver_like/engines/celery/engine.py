"""CeleryEngine: jobs on workers anywhere, through RabbitMQ or Redis."""

from collections.abc import Mapping

from weaver_like.domain.events import Event, EventsMissed
from weaver_like.engines.base import ClosePolicy, Engine, EventHub, Subscription
from weaver_like.engines.celery.broker import Broker
from weaver_like.engines.celery.bus import EVENT_CHANNEL, ORDER_CHANNEL, Bus, Listener
from weaver_like.engines.messages import Cancel


class CeleryEngine(Engine):
    """Used in servers and in the main process of workers, any number of which may come and go.

    A message wakes a worker, which claims the most urgent job of its queue. The store keeps priorities and their
    ageing, and a message that is lost or comes twice loses or repeats no job.
    """

    def __init__(self, broker: Broker, hears_events: bool = True):
        self._hub = EventHub()
        listener = Listener(EVENT_CHANNEL, self._hub.publish, self._look_again)
        self._bus = Bus(broker, listener if hears_events else None)
        self._closing = False

    def start(self) -> None:
        self._bus.start()

    def submit(self, job_id: str, queue: str) -> None:
        self._bus.wake(job_id, queue)

    def restore(self, waiting: Mapping[str, int]) -> None:
        """Send missing messages: a broker may lose some, and a server may die between the store and the broker."""
        for queue, number in waiting.items():
            present = self._bus.count(queue)
            if present is None:
                continue
            for _ in range(number - present):
                self._bus.wake("", queue)

    def cancel(self, job_id: str) -> None:
        self._bus.send(ORDER_CHANNEL, Cancel(job_id))

    def subscribe(self, topic: str) -> Subscription:
        return Subscription(self._hub, topic)

    def publish(self, event: Event) -> None:
        self._hub.publish(event)
        self._bus.send(EVENT_CHANNEL, event)

    def _look_again(self) -> None:
        self._hub.publish(EventsMissed())

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def refusing(self) -> bool:
        """Workers go on without this server; the housekeeper of another process sends what this one no longer sends."""
        return False

    def trouble(self) -> str | None:
        return self._bus.trouble

    def drain(self, policy: ClosePolicy, grace_s: float) -> None:
        """The workers go on: they are processes of their own."""
        self._closing = True
        self._hub.close()
        self._bus.close()
