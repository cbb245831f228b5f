"""Migrations of the SQL stores: numbered from 1, applied once each, in order; on every database."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.contract import schema1
from tests.contract.old import sql6
from tests.support.jobs import add, take, until
from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.domain.job import JobFilter, Move, Outcome
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.store import SqlStore


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"sqlite:///{tmp_path}/jobs.sqlite"
        if request.param == "sqlite"
        else request.getfixturevalue(f"{request.param}_url")
    )


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = SqlStore(SqlDatabase(url, "NORMAL", 8), 60)
    yield opened
    opened.close()


def schema_of(url: str) -> dict:
    """Table -> its columns with their types, and its indexes."""
    engine = create_engine(url)
    found = inspect(engine)
    schema = {
        name: (
            {
                column["name"]: (str(column["type"]), getattr(column["type"], "collation", None))
                for column in found.get_columns(name)
            },
            {index["name"] for index in found.get_indexes(name)},
        )
        for name in found.get_table_names()
    }
    engine.dispose()
    return schema


def test_who_asks_before_the_first_migration_is_told_to_wait(store: SqlStore) -> None:
    for ask in (
        store.ping,
        lambda: store.jobs.get("x"),
        lambda: add(store),
        lambda: store.jobs.move("x", Move(Status.FAILED)),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_two_who_migrate_at_once_do_it_once(url: str) -> None:
    def migrate(_: int) -> list[int]:
        opened = SqlStore(SqlDatabase(url, "NORMAL", 2), 60)
        try:
            return opened.migrate()
        finally:
            opened.close()

    with ThreadPoolExecutor(4) as pool:
        applied = [numbers for numbers in pool.map(migrate, range(4)) if numbers]
    assert len(applied) == 1


def test_a_new_file_is_waited_for_that_another_just_writes(tmp_path: Path) -> None:
    """SQLite itself refuses at once what turns the file to WAL, whatever its busy timeout."""
    file = tmp_path / "jobs.sqlite"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE another (x)")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    store = SqlStore(SqlDatabase(f"sqlite:///{file}", "NORMAL", 2), 60)
    assert store.migrate()
    store.close()
    other.close()


def test_a_store_of_the_first_schema_is_taken_over_with_its_jobs(store: SqlStore, url: str) -> None:
    schema1.fill(url)
    assert store.migrate()[0] == 2
    assert {job.id: str(job.status) for job in store.jobs.find(JobFilter()).jobs} == schema1.JOBS
    assert {(job.queue, job.message) for job in store.jobs.find(JobFilter()).jobs} == {("default", "Grüße ☃")}
    assert [job.id for job in store.jobs.find_lost(datetime.now(UTC))] == ["runs"]
    assert store.jobs.get_documents("done").results == (Result("a", 1, size_bytes=1),)
    assert [entry.message for entry in store.logs.read("done")] == ["line"]
    assert [(callback.job_id, callback.attempts) for callback in take(store, datetime.now(UTC))] == [("done", 2)]
    assert store.jobs.claim_next("w2", until(), "default").job.id == "waits"
    assert store.jobs.move("waits", Move(Status.SUCCESSFUL, attempt=1, outcome=Outcome(traceback="x" * 70000)))


@pytest.mark.parametrize("old", [schema1, sql6], ids=["1", "6"])
def test_a_store_that_was_taken_over_is_like_a_new_one(store: SqlStore, url: str, old: ModuleType) -> None:
    store.migrate()
    fresh = schema_of(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in fresh:
            connection.execute(text(f"DROP TABLE {table}"))
    engine.dispose()
    old.fill(url)
    store.migrate()
    taken_over = schema_of(url)
    if store.database.kind == "sqlite":  # there the type of a text is only a name
        fresh, taken_over = (
            {name: (set(columns), indexes) for name, (columns, indexes) in schema.items()}
            for schema in (fresh, taken_over)
        )
    assert taken_over == fresh


def test_the_schema_of_a_newer_release_is_refused_and_left_alone(store: SqlStore, url: str) -> None:
    store.migrate()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO schema_version (number, applied) VALUES (999, 0)"))
    with pytest.raises(SettingError, match="999"):
        store.migrate()
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT max(number) FROM schema_version")) == 999
    engine.dispose()


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "oracle://user:secret@host/x",
        "postgresql+asyncpg://user:secret@host/x",
        "mysql+pymysql://user:secret@h/x",
        "postgresql+psycopg://user:x:secret@host:secret/x",
    ],
)
def test_an_address_that_is_none_is_named_without_its_password(address: str) -> None:
    with pytest.raises(SettingError, match=r"store\.url") as raised:
        SqlDatabase(address, "NORMAL", 1)
    assert "secret" not in raised.value.detail
