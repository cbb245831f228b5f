"""Every job store keeps the promises of `JobStore`; and migrations."""
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.contract.job_store_contract import add
from tests.contract.job_store_queue import JobStoreContract
from weaver_like.domain.errors import SettingError
from weaver_like.stores.sql.connection import Database
from weaver_like.stores.sql.jobs import SqlJobStore

OPENING = """
from weaver_like.stores.sql.connection import Database
from weaver_like.stores.sql.jobs import SqlJobStore
store = SqlJobStore(Database({url!r}, "NORMAL", 2), 60)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[SqlJobStore]:
    opened = SqlJobStore(Database(url, "NORMAL", 8), 60)
    yield opened
    opened.close()


class TestSqliteJobStore(JobStoreContract):
    """SQLite, in a file."""

    @pytest.fixture
    def jobs(self, store: SqlJobStore) -> SqlJobStore:
        store.migrate()
        return store

    @pytest.fixture
    def opening(self, url: str) -> str:
        return OPENING.format(url=url)


class TestMigrations:
    """Numbered from 1, applied once each, in order."""

    def test_a_new_store_gets_every_migration_and_then_none(self, store: SqlJobStore) -> None:
        applied = store.migrate()
        assert applied == list(range(1, len(applied) + 1))
        assert applied
        (job_id,) = add(store)
        assert store.migrate() == []
        assert store.get(job_id).id == job_id

    def test_two_who_migrate_at_once_do_it_once(self, url: str) -> None:
        def migrate(_: int) -> list[int]:
            opened = SqlJobStore(Database(url, "NORMAL", 2), 60)
            try:
                return opened.migrate()
            finally:
                opened.close()

        with ThreadPoolExecutor(4) as pool:
            applied = [numbers for numbers in pool.map(migrate, range(4)) if numbers]
        assert len(applied) == 1

    def test_the_schema_of_a_newer_release_is_refused_and_left_alone(self, store: SqlJobStore, url: str) -> None:
        store.migrate()
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO schema_version (number, applied) VALUES (999, 0)"))
        with pytest.raises(SettingError, match="999"):
            store.migrate()
        with engine.begin() as connection:
            assert connection.scalar(text("SELECT max(number) FROM schema_version")) == 999
        engine.dispose()

    def test_an_address_that_is_none_is_named(self) -> None:
        with pytest.raises(SettingError, match=r"store\.url"):
            Database("nonsense", "NORMAL", 1)
