"""Every schedule store keeps the promises of `ScheduleStore`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.schedule_store_contract import ScheduleStoreContract
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.mongo.schedules import MongoScheduleStore
from weaver_like.stores.sql.connection import SqlDatabase
from weaver_like.stores.sql.jobs import SqlJobStore
from weaver_like.stores.sql.schedules import SqlScheduleStore

OPENING = """
from weaver_like.stores.sql.connection import SqlDatabase
from weaver_like.stores.sql.jobs import SqlJobStore
from weaver_like.stores.sql.schedules import SqlScheduleStore
database = SqlDatabase({url!r}, "NORMAL", 2)
jobs = SqlJobStore(database, 60)
schedules = SqlScheduleStore(database, jobs)
"""

OPENING_MONGODB = """
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.mongo.schedules import MongoScheduleStore
database = MongoDatabase({url!r}, 2)
jobs = MongoJobStore(database, 60)
schedules = MongoScheduleStore(database, jobs)
"""


class SqlContract(ScheduleStoreContract):
    """The contract on a database whose address is the fixture `url`."""

    @pytest.fixture
    def database(self, url: str) -> SqlDatabase:
        return SqlDatabase(url, "NORMAL", 8)

    @pytest.fixture
    def jobs(self, database: SqlDatabase) -> Iterator[SqlJobStore]:
        opened = SqlJobStore(database, 60)
        opened.migrate()
        yield opened
        opened.close()

    @pytest.fixture
    def schedules(self, database: SqlDatabase, jobs: SqlJobStore) -> SqlScheduleStore:
        return SqlScheduleStore(database, jobs)

    @pytest.fixture
    def opening(self, url: str) -> str:
        return OPENING.format(url=url)


class TestSqliteScheduleStore(SqlContract):
    """SQLite, in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.sqlite"


class TestPostgresqlScheduleStore(SqlContract):
    """A PostgreSQL server."""

    @pytest.fixture
    def url(self, postgresql_url: str) -> str:
        return postgresql_url


class TestMariadbScheduleStore(SqlContract):
    """A MariaDB server."""

    @pytest.fixture
    def url(self, mariadb_url: str) -> str:
        return mariadb_url


class TestMongoScheduleStore(ScheduleStoreContract):
    """MongoDB, a standalone server; the folder `mongo` has what is its own."""

    @pytest.fixture
    def database(self, mongodb_url: str) -> MongoDatabase:
        return MongoDatabase(mongodb_url, 8)

    @pytest.fixture
    def jobs(self, database: MongoDatabase) -> Iterator[MongoJobStore]:
        opened = MongoJobStore(database, 60)
        opened.migrate()
        yield opened
        opened.close()

    @pytest.fixture
    def schedules(self, database: MongoDatabase, jobs: MongoJobStore) -> MongoScheduleStore:
        return MongoScheduleStore(database, jobs)

    @pytest.fixture
    def opening(self, mongodb_url: str) -> str:
        return OPENING_MONGODB.format(url=mongodb_url)
