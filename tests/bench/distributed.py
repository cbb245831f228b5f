"""Jobs through a broker: latency, bursts, commands to the store, idle
traffic; and lists on the stores of large sites."""

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pymongo import MongoClient
from redis import Redis as RedisClient

from tests.bench.client import ASYNC, ECHO, ECHO_PATH, Client, Plan, folder, serving
from tests.bench.fill_servers import fill
from tests.bench.latency import async_echo, burst, sync_echo
from tests.bench.lists import timed_get
from tests.bench.report import Bar, Row, timed_row
from tests.support.brokers import RabbitMQ, Redis
from tests.support.databases import MongoDB, PostgreSQL
from tests.support.servers import PrivateServer
from tests.support.services import mongo_database, own_name, sql_database

_COUNTED = ("insert", "find", "findAndModify", "update", "delete", "aggregate", "count", "getMore", "distinct")
_IDLE_S = 20
_ROUND = 20
_LIST = "/jobs?limit=10"


@contextmanager
def server(kind: type[PrivateServer], private: bool = False) -> Iterator[str]:
    """URL of a server that answers at its standard port, else of a private one.

    Raises: RuntimeError, if there is none.
    """
    found = None if private else next(filter(kind.answers, kind.standard), None)
    if found:
        yield found
        return
    if kind.missing():
        raise RuntimeError(kind.missing())
    started = kind()
    try:
        yield started.start().url
    finally:
        started.close()


class Counter:
    """Commands and connections that a private MongoDB has seen; its own questions are not counted."""

    def __init__(self, url: str):
        self._client: MongoClient = MongoClient(url)
        self._jobs = self._client.get_default_database()["jobs"]
        self._own_finds = 0

    def commands(self) -> int:
        seen = self._client.admin.command("serverStatus")["metrics"]["commands"]
        return sum(seen[name]["total"] for name in _COUNTED if name in seen) - self._own_finds

    def connections(self) -> int:
        return self._client.admin.command("serverStatus")["connections"]["totalCreated"]

    def wait_until_idle(self) -> None:
        while True:
            self._own_finds += 1
            if self._jobs.find_one({"status": {"$in": ["accepted", "running"]}}, ["_id"]) is None:
                return
            time.sleep(0.05)

    def job_bytes(self) -> float:
        return self._client.get_default_database().command("collStats", "jobs")["avgObjSize"]

    def close(self) -> None:
        self._client.close()


def measure(plan: Plan) -> list[Row]:
    """Every part on servers of its own."""
    return [*_on_rabbitmq(plan), *_idle_on_redis(), *_lists(plan, MongoDB), *_lists(plan, PostgreSQL)]


def _celery(broker: str, store: str) -> list[str]:
    return ["engine.kind=celery", f"celery.broker_url={broker}", f"celery.prefix={own_name()}", f"store.url={store}"]


def _on_rabbitmq(plan: Plan) -> list[Row]:
    """Rounds on Celery, RabbitMQ and MongoDB take turns with rounds on the embedded engine and SQLite."""
    asynchronous, synchronous, near, rates, near_rates = [], [], [], [], []
    with ExitStack() as stack:
        broker = stack.enter_context(server(RabbitMQ))
        store = stack.enter_context(mongo_database(stack.enter_context(server(MongoDB, private=True))))
        far = Client(stack.enter_context(serving(stack.enter_context(folder()), *_celery(broker, store))).url)
        embedded = Client(stack.enter_context(serving(stack.enter_context(folder()))).url)
        counter = Counter(store)
        for _ in range(_ROUND):
            sync_echo(far), sync_echo(embedded)
        for _ in range(plan.times(10)):
            asynchronous += [async_echo(far) for _ in range(_ROUND)]
            synchronous += [sync_echo(far) for _ in range(_ROUND)]
            near += [async_echo(embedded) for _ in range(_ROUND)]
        for _ in range(plan.times(5)):
            rates.append(burst(far))
            near_rates.append(burst(embedded))
        rows = [
            timed_row(
                "async echo, submit to successful, Celery + RabbitMQ + MongoDB",
                asynchronous,
                near,
                "embedded + SQLite",
                Bar(60),
            ),
            timed_row("sync echo, Celery + RabbitMQ + MongoDB", synchronous, near, "embedded + SQLite, async"),
            Row(
                "burst of 500 echo jobs, two workers, Celery + RabbitMQ + MongoDB",
                statistics.median(rates),
                "jobs/s",
                statistics.median(near_rates),
                "embedded + SQLite",
                Bar(60, at_least=True),
                f"p50; least {min(rates):.0f}, n={len(rates)}",
            ),
            *_counted(far, counter),
            *_idle_on_rabbitmq(counter, broker),
        ]
        for client in (far, embedded, counter):
            client.close()
    return rows


def _counted(client: Client, counter: Counter) -> list[Row]:
    counter.wait_until_idle()
    commands, connections = counter.commands(), counter.connections()
    for _ in range(100):
        client.request("POST", ECHO_PATH, ECHO, ASYNC)
    counter.wait_until_idle()
    return [
        Row(
            "MongoDB commands of one asynchronous job, server and worker",
            (counter.commands() - commands) / 100,
            "commands",
            bar=Bar(8),
            how="mean of 100",
        ),
        Row("new MongoDB connections of 100 jobs", counter.connections() - connections, "connections"),
        Row("a job in MongoDB, without its log", counter.job_bytes(), "bytes", bar=Bar(2000), how="mean"),
    ]


def _idle_on_rabbitmq(counter: Counter, broker: str) -> list[Row]:
    """One server, one main process of workers, two of the pool."""
    commands, packets = counter.commands(), _packets(broker)
    began = time.monotonic()
    time.sleep(_IDLE_S)
    elapsed_s = time.monotonic() - began
    totals = {"MongoDB commands": counter.commands() - commands}
    if packets is not None:
        totals["packets to RabbitMQ"] = _packets(broker) - packets
    return [
        Row(f"idle: {what}, each of four processes", total / elapsed_s / 4, "1/s", bar=Bar(2), how=f"{elapsed_s:.0f} s")
        for what, total in totals.items()
    ]


def _packets(broker: str) -> int | None:
    """Packets that the installed broker received on connections that are open; None without rabbitmqctl."""
    if ":5672" not in broker:
        return None
    try:
        told = subprocess.run(
            ["rabbitmqctl", "-q", "list_connections", "recv_cnt", "--no-table-headers"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    except OSError:
        return None
    return sum(int(word) for word in told.stdout.split() if word.isdigit()) if told.returncode == 0 else None


def _idle_on_redis() -> list[Row]:
    with ExitStack() as stack:
        broker = stack.enter_context(server(Redis, private=True))
        store = stack.enter_context(mongo_database(stack.enter_context(server(MongoDB, private=True))))
        client = Client(stack.enter_context(serving(stack.enter_context(folder()), *_celery(broker, store))).url)
        sync_echo(client)
        with RedisClient.from_url(broker) as redis:
            before = redis.info("stats")["total_commands_processed"]
            time.sleep(_IDLE_S)
            commands = redis.info("stats")["total_commands_processed"] - before - 1
        client.close()
    return [
        Row(
            "idle: Redis commands, each of four processes",
            commands / _IDLE_S / 4,
            "1/s",
            bar=Bar(2),
            how=f"{_IDLE_S} s",
        )
    ]


def _lists(plan: Plan, kind: type[PrivateServer]) -> list[Row]:
    """A store of a thousand jobs and a large one take turns, request by request."""
    large = 100_000 if plan.quick else 1_000_000
    with ExitStack() as stack:
        address = stack.enter_context(server(kind, private=True))
        clients = []
        for count in (1000, large):
            made = (
                mongo_database(address)
                if kind is MongoDB
                else sql_database(address, ["DROP DATABASE {name} WITH (FORCE)"])
            )
            store = stack.enter_context(made)
            client = Client(stack.enter_context(serving(stack.enter_context(folder()), f"store.url={store}")).url)
            if json.loads(client.get(_LIST))["jobs"] or client.request("POST", ECHO_PATH, ECHO)[0] != 200:
                raise RuntimeError("the store is not as it should be")
            fill(store, count)
            clients.append(client)
        few, many = clients
        rows = []
        for path in (_LIST, "/jobs?status=successful&limit=10", "/jobs?processID=process-07&status=failed&limit=10"):
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(plan.times(10) * _ROUND):
                times[0].append(timed_get(few, path))
                times[1].append(timed_get(many, path))
            rows.append(
                timed_row(
                    f"GET {path}, {large:,} jobs, {kind.__name__}",
                    times[1],
                    times[0],
                    "1,000 jobs",
                    Bar(2, of_ratio=True),
                )
            )
        for client in clients:
            client.close()
    return rows
