"""The bus: messages to workers, and events between all processes of an installation, through the broker."""

import logging
import queue
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer

from weaver_like.domain.codec import Codec
from weaver_like.domain.events import EVENTS, Event
from weaver_like.domain.masks import mask
from weaver_like.engines.celery.broker import LONGEST_PAUSE_S, TASK, Broker, make_celery
from weaver_like.engines.messages import ORDERS, Cancel
from weaver_like.schemas.jsontext import dumps, loads

log = logging.getLogger(__name__)
Message = TypeVar("Message")
_HEARTBEAT_S = 30
_CONNECT_S = 4
_FIRST_PAUSE_S = 0.1
#: Most messages that wait while the broker is away; more are dropped: the housekeeper and the store make up for them.
_MOST_WAITING = 20000
#: Header of every message on a channel: which bus has sent it.
_SENDER = "sender"


@dataclass(frozen=True, slots=True)
class BusChannel(Generic[Message]):
    """A channel that carries one family of messages to every process that listens."""

    name: str
    codec: Codec[Message]


#: Servers get events of jobs, workers get orders.
EVENT_CHANNEL: BusChannel[Event] = BusChannel("events", EVENTS)
ORDER_CHANNEL: BusChannel[Cancel] = BusChannel("orders", ORDERS)


@dataclass(frozen=True, slots=True)
class Listener(Generic[Message]):
    """What a process does with the messages of a channel.

    Args:
        on_message: called with each message that another process sent.
        on_return: called when the broker is back: messages may have been missed.
    """

    channel: BusChannel[Message]
    on_message: Callable[[Message], None]
    on_return: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class _Post:
    """A message to be sent, if need be again: a body for a channel, or a job's id for one worker of a queue."""

    channel: str = ""
    body: bytes = b""
    queue: str = ""
    job_id: str = ""


class Bus:
    """One per process. Sending never blocks and never fails: a thread of its own sends, and retries."""

    def __init__(self, broker: Broker, listener: Listener[Any] | None = None):
        self._app = make_celery(broker)
        self._broker = broker
        self._listener = listener
        self._name = uuid.uuid4().hex
        self._posts: queue.SimpleQueue[_Post | None] = queue.SimpleQueue()
        self._unsent: _Post | None = None
        self._closed = threading.Event()
        self._trouble: str | None = "the broker was not reached yet"
        self._threads = [self._thread(self._send_posts, 0)]
        if listener is not None:
            self._threads.append(self._thread(self._listen, _HEARTBEAT_S))

    def _thread(self, loop: Callable[[Any], None], heartbeat_s: int) -> threading.Thread:
        return threading.Thread(target=self._keep_up, args=(loop, heartbeat_s), name="bus", daemon=True)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def trouble(self) -> str | None:
        return self._trouble

    def send(self, channel: BusChannel[Message], message: Message) -> None:
        """Send to every process that listens to a channel now."""
        self._put(_Post(channel=channel.name, body=dumps(channel.codec.encode(message))))

    def wake(self, job_id: str, queue_name: str) -> None:
        """Send the message for one job: whichever worker gets it claims the most urgent job of the queue."""
        self._put(_Post(queue=queue_name, job_id=job_id))

    def count(self, queue_name: str) -> int | None:
        """How many messages wait in a queue; None if the broker does not say."""
        try:
            with self._connect() as connection:
                queue: Any = self._broker.queue(queue_name)(connection.default_channel)
                declared = queue.queue_declare()
                return int(declared.message_count)
        except Exception as error:  # kombu's transports have no common class; no count is a good answer
            log.warning("the broker does not say how many messages wait: %s", mask(str(error)))
            return None

    def close(self, grace_s: float = 2) -> None:
        """Send what is left, if the broker is there, and stop."""
        self._posts.put(None)
        self._threads[0].join(grace_s)
        self._closed.set()
        for thread in self._threads:
            thread.join(1)

    def _put(self, post: _Post) -> None:
        if self._posts.qsize() < _MOST_WAITING:
            self._posts.put(post)

    def _connect(self, heartbeat_s: int = 0) -> Any:
        """A connection of kombu, which has no types. heartbeat_s: only for readers; a writer learns from the socket."""
        connection: Any = Connection(  # type: ignore[no-untyped-call]
            self._broker.url,
            heartbeat=heartbeat_s,
            connect_timeout=_CONNECT_S,
            transport_options=self._app.conf.broker_transport_options,
        )
        connection.connect()
        return connection

    def _keep_up(self, loop: Callable[[Any], None], heartbeat_s: int) -> None:
        """Run a loop on a connection, and on a new one whenever the connection breaks."""
        pause_s, away = _FIRST_PAUSE_S, False
        while not self._closed.is_set():
            try:
                with self._connect(heartbeat_s) as connection:
                    self._trouble, pause_s = None, _FIRST_PAUSE_S
                    if away:
                        away = False
                        self._return()
                    loop(connection)
                    return
            except Exception as error:  # kombu's transports have no common class, and this thread must go on
                if not away:
                    told = mask(f"{type(error).__name__}: {error}")
                    log.warning("the broker does not answer (%s); trying again", told)
                self._trouble, away = "the broker does not answer", True
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _return(self) -> None:
        log.info("the broker is back")
        if self._listener is not None:
            self._listener.on_return()

    def _send_posts(self, connection: Any) -> None:
        producer = connection.Producer(auto_declare=False)
        while not self._closed.is_set():
            if self._unsent is None:
                self._unsent = self._posts.get()
                if self._unsent is None:
                    return
            self._send(producer, self._unsent)
            self._unsent = None

    def _send(self, producer: Any, post: _Post) -> None:
        if post.queue:
            target = self._broker.queue(post.queue)
            self._app.send_task(TASK, [post.job_id], queue=target, producer=producer, retry=False, ignore_result=True)
            return
        exchange = self._broker.channel(post.channel)
        producer.publish(
            post.body,
            exchange=exchange,
            declare=[exchange],
            content_type="application/json",
            content_encoding="utf-8",
            headers={_SENDER: self._name},
            retry=False,
        )

    def _listen(self, connection: Any) -> None:
        assert self._listener is not None
        name = self._listener.channel.name
        ear = Queue(  # type: ignore[no-untyped-call]
            f"{self._broker.prefix}.{name}.{self._name}",
            self._broker.channel(name),
            durable=False,
            exclusive=True,
            auto_delete=True,
        )
        consumer: Any = Consumer(  # type: ignore[no-untyped-call]
            connection, queues=[ear], on_message=self._receive, accept=["json"], no_ack=True
        )
        with consumer:
            while not self._closed.is_set():
                try:
                    connection.drain_events(timeout=_HEARTBEAT_S / 6)
                except TimeoutError:
                    pass
                if connection.supports_heartbeats:
                    connection.heartbeat_check()

    def _receive(self, received: Any) -> None:
        """Pass on a message from another process; one that is unknown, e.g. of another version, is ignored."""
        if self._listener is None or received.headers.get(_SENDER) == self._name:
            return
        try:
            message = self._listener.channel.codec.decode(loads(received.body))
        except ValueError as error:
            log.warning("an invalid message on the bus was ignored: %s", mask(str(error))[:500])
            return
        if message is not None:
            self._listener.on_message(message)
