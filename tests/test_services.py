"""The servers of the tests themselves: what a test gets is its own, and a
private server keeps what it was given before a kill."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import kombu
import pytest
from pymongo import MongoClient, WriteConcern
from redis import Redis as RedisClient
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from tests.support.brokers import RabbitMQ, Redis
from tests.support.databases import MariaDB, MongoDB, PostgreSQL
from tests.support.servers import PrivateServer
from tests.support.services import MARK, claim_redis
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[1]
ROUNDS = [1, 2]


def put_mongodb(url: str) -> None:
    with MongoClient(url) as client:
        client.get_default_database().get_collection("kept", write_concern=WriteConcern(j=True)).insert_one({"_id": 1})


def count_mongodb(url: str) -> int:
    with MongoClient(url) as client:
        return client.get_default_database().kept.count_documents({})


def put_sql(url: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))


def count_sql(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    if not inspect(engine).has_table("kept"):
        return 0
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM kept")).scalar()


def put_redis(url: str) -> None:
    with RedisClient.from_url(url) as client:
        client.set("kept", 1)


def count_redis(url: str) -> int:
    with RedisClient.from_url(url) as client:
        return client.exists("kept")


def put_rabbitmq(url: str, queue: str = "kept") -> None:
    with (
        kombu.Connection(url, transport_options={"confirm_publish": True}) as connection,
        connection.SimpleQueue(queue) as kept,
    ):
        kept.put({"id": 1})


def count_rabbitmq(url: str, queue: str = "kept") -> int:
    with kombu.Connection(url) as connection, connection.SimpleQueue(queue) as kept:
        return kept.qsize()


#: How something is put into a new database, and counted. RabbitMQ, which takes longest to start, comes first.
WAYS = {
    RabbitMQ: (put_rabbitmq, count_rabbitmq),
    MongoDB: (put_mongodb, count_mongodb),
    PostgreSQL: (put_sql, count_sql),
    MariaDB: (put_sql, count_sql),
    Redis: (put_redis, count_redis),
}


@pytest.mark.parametrize("kind", WAYS, ids=lambda kind: kind.__name__)
def test_a_private_server_keeps_its_data_when_it_is_killed(private_server: Callable, kind: type[PrivateServer]) -> None:
    server = private_server(kind)
    put, count = WAYS[kind]
    put(server.url)
    server.kill()
    assert not server.answers(server.url)
    server.start()
    assert count(server.url) == 1


@pytest.mark.parametrize("round", ROUNDS)
@pytest.mark.parametrize(
    ("fixture", "kind"),
    [("mongodb_url", MongoDB), ("postgresql_url", PostgreSQL), ("mariadb_url", MariaDB), ("redis_url", Redis)],
)
def test_each_test_gets_an_empty_database(
    request: pytest.FixtureRequest, fixture: str, kind: type[PrivateServer], round: int
) -> None:
    url = request.getfixturevalue(fixture)
    put, count = WAYS[kind]
    assert count(url) == 0
    put(url)
    assert count(url) == 1


@pytest.mark.parametrize("round", ROUNDS)
def test_each_test_gets_queues_of_its_own(rabbitmq_url: str, celery_prefix: str, round: int) -> None:
    queue = f"{celery_prefix}.work"
    assert count_rabbitmq(rabbitmq_url, queue) == 0
    put_rabbitmq(rabbitmq_url, queue)
    assert count_rabbitmq(rabbitmq_url, queue) == 1


def test_a_redis_database_of_others_is_not_taken(private_server: Callable) -> None:
    with RedisClient.from_url(private_server(Redis).url) as client:
        client.set("theirs", 1)
        assert not claim_redis(client)
        assert client.get("theirs") == b"1"


def test_a_redis_database_has_one_owner_until_that_has_ended(private_server: Callable) -> None:
    with RedisClient.from_url(private_server(Redis).url) as client:
        assert claim_redis(client)
        client.set("ours", 1)
        assert not claim_redis(client)
        ended = subprocess.Popen(["true"])
        ended.wait()
        client.set(MARK, client.get(MARK).decode().partition(" ")[0] + f" {ended.pid}")
        assert claim_redis(client)
        assert client.keys() == [MARK.encode()]


def test_the_shared_server_of_a_run_ends_with_the_run() -> None:
    if Redis.missing():
        pytest.skip(Redis.missing())
    run = subprocess.Popen(["sleep", "600"])
    command = [sys.executable, "-m", "tests.support.run_server", "Redis", str(run.pid)]
    keeper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    url = keeper.stdout.readline().strip()
    assert Redis.answers(url)
    run.kill()
    run.wait()
    keeper.communicate(timeout=20)
    assert not Redis.answers(url)


def test_a_private_server_ends_with_the_process_that_started_it() -> None:
    """PostgreSQL, because it may have to run as another user."""
    if PostgreSQL.missing():
        pytest.skip(PostgreSQL.missing())
    code = (
        "import time; from tests.support.databases import PostgreSQL; s = PostgreSQL().start(); "
        "print(s.folder, s.url, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    folder, url = starter.stdout.readline().split()
    assert PostgreSQL.answers(url)
    starter.kill()
    starter.communicate()
    wait_until(lambda: not PostgreSQL.answers(url))
    shutil.rmtree(folder)
