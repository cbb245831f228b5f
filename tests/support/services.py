"""Fixtures: databases and brokers, real ones, with something of its own for each test.

A server is what the environment names (WEAVER_LIKE_TEST_MONGODB, _POSTGRESQL, _MARIADB, _REDIS,
_RABBITMQ: a URL), or what answers at its standard local port with the usual test account, or a
private one for the run, shared by its workers; else the test is skipped. Databases are preferably
private, because those of a machine sync every change.
"""

import base64
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import psutil
import pytest
from pymongo import MongoClient
from redis import Redis as RedisClient
from redis import WatchError
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.support.brokers import RabbitMQ, Redis
from tests.support.databases import MariaDB, MongoDB, PostgreSQL
from tests.support.places import ROOT
from tests.support.servers import PrivateServer

#: In every Redis database that tests use: whose it is.
MARK = "weaver_like_tests"


def own_name() -> str:
    """A name that nobody else uses, for a database or a prefix."""
    return f"weaver_like_{os.getpid()}_{uuid4().hex[:8]}"


@pytest.fixture(scope="session", autouse=True)
def named_servers() -> dict[str, str]:
    """Servers that the environment names: variable -> URL.

    They are taken out of it, since a service refuses variables that name no setting.

    What tests of a suite were asked for with (WEAVER_LIKE_CWL_...) goes too: it was read when the tests were collected.
    """
    for name in [name for name in os.environ if name.startswith("WEAVER_LIKE_CWL_")]:
        del os.environ[name]
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("WEAVER_LIKE_TEST_")}


@pytest.fixture(scope="session")
def find_server(
    named_servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[type[PrivateServer]], str]:
    """Finds or starts the server of a kind; its URL."""
    base = tmp_path_factory.getbasetemp()
    worker = "PYTEST_XDIST_WORKER" in os.environ
    # The workers of a run have folders in one folder, and one parent.
    folder, run = (base.parent, os.getppid()) if worker else (base, os.getpid())

    def find(kind: type[PrivateServer]) -> str:
        named = named_servers.get(kind.variable)
        if named is None and (kind.missing() or not kind.unsynced):
            named = next(filter(kind.answers, kind.standard), None)
        return named or shared_server(kind, folder, run)

    return find


def shared_server(kind: type[PrivateServer], folder: Path, run: int) -> str:
    """URL of the private server of the run (a process id), which the first worker that asks starts.

    Skips the test if it cannot be had.
    """
    if kind.missing():
        pytest.skip(f"no {kind.__name__}: set {kind.variable} to a URL; {kind.missing()}")
    place, log = folder / f"{kind.__name__}.url", folder / f"{kind.__name__}.log"
    with (folder / f"{kind.__name__}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            command = [sys.executable, "-m", "tests.support.run_server", kind.__name__, str(run)]
            with log.open("w") as errors:
                keeper = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    cwd=ROOT,
                    start_new_session=True,
                )
            url = keeper.stdout.readline().strip()
            assert url, f"{kind.__name__} did not start: {log.read_text()}"
            place.write_text(url)
    return place.read_text()


@pytest.fixture
def private_server() -> Iterator[Callable[[type[PrivateServer]], PrivateServer]]:
    """Starts a server of the test's own: `private_server(RabbitMQ)`, which may
    be killed and started again; see `PrivateServer`."""
    made: list[PrivateServer] = []

    def start(kind: type[PrivateServer]) -> PrivateServer:
        if kind.missing():
            pytest.skip(kind.missing())
        made.append(kind())
        return made[-1].start()

    yield start
    for server in made:
        server.close()


@pytest.fixture(scope="session")
def mongodb_server(find_server: Callable[[type[PrivateServer]], str]) -> str:
    return find_server(MongoDB)


@contextmanager
def mongo_database(server: str) -> Iterator[str]:
    """The URL of a new database, dropped afterwards."""
    name = own_name()
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    with MongoClient(server) as client:
        client.drop_database(name)


@pytest.fixture
def mongodb_url(mongodb_server: str) -> Iterator[str]:
    """An empty MongoDB database, `mongodb://host:port/name`; dropped after the test."""
    with mongo_database(mongodb_server) as url:
        yield url


@contextmanager
def sql_database(server: str, drop: list[str]) -> Iterator[str]:
    """The URL of a new database; afterwards the statements of `drop` take the name as {name}."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    name = own_name()
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        for statement in drop:
            connection.execute(text(statement.format(name=name)))


def postgresql_database(server: str) -> AbstractContextManager[str]:
    """The URL of a new database of PostgreSQL; dropped afterwards, also under open connections."""
    return sql_database(server, ["DROP DATABASE {name} WITH (FORCE)"])


def mariadb_database(server: str) -> AbstractContextManager[str]:
    """The URL of a new database of MariaDB; dropped afterwards, unless a transaction is left open in it for 10 s."""
    return sql_database(server, ["SET lock_wait_timeout = 10", "DROP DATABASE {name}"])


@pytest.fixture(scope="session")
def postgresql_server(find_server: Callable[[type[PrivateServer]], str]) -> str:
    return find_server(PostgreSQL)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An empty PostgreSQL database, `postgresql+psycopg://...`."""
    with postgresql_database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server(find_server: Callable[[type[PrivateServer]], str]) -> str:
    return find_server(MariaDB)


@pytest.fixture
def mariadb_url(mariadb_server: str) -> Iterator[str]:
    """An empty MariaDB database, `mariadb+pymysql://...`."""
    with mariadb_database(mariadb_server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_database(find_server: Callable[[type[PrivateServer]], str]) -> Iterator[str]:
    """URL of a Redis database, 1 to 15, that no other test run or worker uses; emptied at the end."""
    server = urlsplit(find_server(Redis))
    for number in range(1, 16):
        url = server._replace(path=f"/{number}").geturl()
        with RedisClient.from_url(url) as client:
            if claim_redis(client):
                yield url
                client.flushdb()
                return
    pytest.skip(
        f"every database of Redis at {server.hostname} is in use: empty one, "
        f"or set {Redis.variable} to the URL of another server"
    )


def claim_redis(client: RedisClient) -> bool:
    """Take a database that is empty, or was taken by a process of this machine that is no more.

    False, with no change, if another has it.
    """
    with client.pipeline() as change:
        change.watch(MARK)
        holder = change.get(MARK)
        host, _, pid = (holder or b"").decode().partition(" ")
        left = holder and host == socket.gethostname() and not psutil.pid_exists(int(pid))
        if change.dbsize() and not left:
            return False
        try:
            empty_redis(change)
        except WatchError:
            return False
    return True


def empty_redis(change: RedisClient) -> None:
    """Empty the database of a pipeline, but for our mark."""
    change.multi()
    change.flushdb()
    change.set(MARK, f"{socket.gethostname()} {os.getpid()}")
    change.execute()


@pytest.fixture
def redis_url(redis_database: str) -> str:
    """A Redis database of the run's worker, emptied before each test; `redis://host:port/number`."""
    with RedisClient.from_url(redis_database) as client, client.pipeline() as change:
        empty_redis(change)
    return redis_database


@pytest.fixture(scope="session")
def rabbitmq_url(find_server: Callable[[type[PrivateServer]], str]) -> Iterator[str]:
    """A virtual host of the run's worker, `amqp://...`, removed at the end with its queues.

    Where we may not make one, the URL's own is used as it is: `celery_prefix` keeps tests apart, but their queues stay.
    """
    server, name = find_server(RabbitMQ), own_name()
    own = urlsplit(server)._replace(path=f"/{name}").geturl()
    made = change_vhost(server, "add", name)
    # rabbitmqctl speaks to the broker that is installed; the URL may name another one.
    yield own if made and RabbitMQ.answers(own) else server
    if made:
        change_vhost(server, "delete", name)


def change_vhost(server: str, verb: str, name: str) -> bool:
    """ "add" or "delete" a virtual host of the broker at the standard port.

    False if neither its management API nor rabbitmqctl does it.
    """
    address = urlsplit(server)
    if (address.port or 5672) != 5672:
        return False
    user, password = unquote(address.username or "guest"), unquote(address.password or "guest")
    secret = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    with suppress(OSError, HTTPException), closing(HTTPConnection(address.hostname, 15672, timeout=5)) as management:
        management.request(
            {"add": "PUT", "delete": "DELETE"}[verb], f"/api/vhosts/{name}", headers={"Authorization": secret}
        )
        if management.getresponse().status < 300:
            return True
    commands = [
        [f"{verb}_vhost", name],
        *([["set_permissions", "-p", name, user, ".*", ".*", ".*"]] if verb == "add" else []),
    ]
    with suppress(OSError):
        return all(
            subprocess.run(["rabbitmqctl", *command], capture_output=True, timeout=60).returncode == 0
            for command in commands
        )
    return False


@pytest.fixture
def celery_prefix() -> str:
    """A prefix for the queues of one test: the broker may be shared with other tests and other people."""
    return own_name()
