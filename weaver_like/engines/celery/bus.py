"""The bus: messages to workers, and events between all processes of an installation, through the broker."""

import logging
import queue
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from kombu import Connection, Consumer, Producer, Queue

from weaver_like.domain.masks import mask
from weaver_like.engines.celery.broker import LONGEST_PAUSE_S, TASK, Broker, make_celery

log = logging.getLogger(__name__)
_HEARTBEAT_S = 30
#: What waits while the broker is away; beyond that it is dropped: the reaper and the store make up for it.
_MOST_WAITING = 20000

#: Channels: servers hear what happens to jobs, workers what they shall do.
EVENTS, ORDERS = "events", "orders"


@dataclass(frozen=True, slots=True)
class _Post:
    """To everybody on a channel, or (queue) a job's message to one worker."""

    body: dict
    channel: str = ""
    queue: str = ""


class Bus:
    """One per process. Sending never waits and never fails: a thread of its own sends, and tries again while the broker is away.

    hears: the channel to listen to, or "".  on_message: called with each message that another process sent.
    on_return: called when the broker is back: messages may have been missed.
    """

    def __init__(
        self,
        broker: Broker,
        hears: str = "",
        on_message: Callable[[dict], None] = lambda _message: None,
        on_return: Callable[[], None] = lambda: None,
    ):
        self._app = make_celery(broker)
        self._broker = broker
        self._hears = hears
        self._on_message = on_message
        self._on_return = on_return
        self._name = uuid.uuid4().hex
        self._posts: queue.SimpleQueue[_Post | None] = queue.SimpleQueue()
        self._unsent: _Post | None = None
        self._closed = threading.Event()
        self._trouble: str | None = "the broker was not reached yet"
        loops = [(self._speak, 0)] + ([(self._listen, _HEARTBEAT_S)] if hears else [])
        self._threads = [threading.Thread(target=self._keep_up, args=loop, name="bus", daemon=True) for loop in loops]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def trouble(self) -> str | None:
        return self._trouble

    def tell(self, channel: str, body: dict) -> None:
        """Send to every process that listens to a channel now."""
        self._put(_Post(body | {"from": self._name}, channel=channel))

    def wake(self, job_id: str, queue_name: str) -> None:
        """Send the message for one job: whichever worker gets it claims the most urgent job of the queue."""
        self._put(_Post({"job": job_id}, queue=queue_name))

    def count(self, queue_name: str) -> int | None:
        """How many messages wait in a queue; None if the broker does not say."""
        try:
            with self._connect() as connection:
                return self._broker.queue(queue_name)(connection.default_channel).queue_declare().message_count
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

    def _connect(self, heartbeat_s: int = 0) -> Connection:
        """heartbeat_s: only for who reads; who only writes learns from the socket that the broker has gone."""
        connection = Connection(
            self._broker.url,
            heartbeat=heartbeat_s,
            connect_timeout=4,
            transport_options=self._app.conf.broker_transport_options,
        )
        connection.connect()
        return connection

    def _keep_up(self, loop: Callable[[Connection], None], heartbeat_s: int) -> None:
        """Run a loop on a connection, and on a new one whenever that breaks."""
        pause_s, away = 0.1, False
        while not self._closed.is_set():
            try:
                with self._connect(heartbeat_s) as connection:
                    self._trouble, pause_s = None, 0.1
                    if away:
                        log.info("the broker is back")
                        away = False
                        self._on_return()
                    loop(connection)
                    return
            except (
                Exception
            ) as error:  # kombu's transports have no common class, and this thread must outlive every failure
                if not away:
                    log.warning(
                        "the broker does not answer (%s); trying again", mask(f"{type(error).__name__}: {error}")
                    )
                self._trouble, away = "the broker does not answer", True
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _speak(self, connection: Connection) -> None:
        producer = connection.Producer(auto_declare=False)
        while not self._closed.is_set():
            if self._unsent is None:
                self._unsent = self._posts.get()
                if self._unsent is None:
                    return
            self._send(producer, self._unsent)
            self._unsent = None

    def _send(self, producer: Producer, post: _Post) -> None:
        if post.queue:
            self._app.send_task(
                TASK,
                [post.body["job"]],
                queue=self._broker.queue(post.queue),
                producer=producer,
                retry=False,
                ignore_result=True,
            )
        else:
            exchange = self._broker.channel(post.channel)
            producer.publish(post.body, exchange=exchange, declare=[exchange], serializer="json", retry=False)

    def _listen(self, connection: Connection) -> None:
        ear = Queue(
            f"{self._broker.prefix}.{self._hears}.{self._name}",
            self._broker.channel(self._hears),
            durable=False,
            exclusive=True,
            auto_delete=True,
        )
        with Consumer(connection, queues=[ear], callbacks=[self._hear], accept=["json"], no_ack=True):
            while not self._closed.is_set():
                try:
                    connection.drain_events(timeout=_HEARTBEAT_S / 6)
                except TimeoutError:
                    pass
                if connection.supports_heartbeats:
                    connection.heartbeat_check()

    def _hear(self, body: dict, _message: object) -> None:
        if isinstance(body, dict) and body.pop("from", None) != self._name:
            self._on_message(body)
