"""Every job store keeps the promises of `JobStore`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.job_store_queue import JobStoreContract
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.sql.connection import SqlDatabase
from weaver_like.stores.sql.jobs import SqlJobStore

OPENING = """
from weaver_like.stores.sql.connection import SqlDatabase
from weaver_like.stores.sql.jobs import SqlJobStore
store = SqlJobStore(SqlDatabase({url!r}, "NORMAL", 2), 60)
"""
OPENING_MONGODB = """
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
store = MongoJobStore(SqlDatabase({url!r}, 2), 60)
"""


class SqlContract(JobStoreContract):
    """A subclass gives the fixture `url`: of an empty database."""

    @pytest.fixture
    def jobs(self, url: str) -> Iterator[SqlJobStore]:
        opened = SqlJobStore(SqlDatabase(url, "NORMAL", 8), 60)
        opened.migrate()
        yield opened
        opened.close()

    @pytest.fixture
    def opening(self, url: str) -> str:
        return OPENING.format(url=url)


class TestMongoJobStore(JobStoreContract):
    """MongoDB, a standalone server; the folder `mongo` has what is its own."""

    @pytest.fixture
    def jobs(self, mongodb_url: str) -> Iterator[MongoJobStore]:
        opened = MongoJobStore(MongoDatabase(mongodb_url, 8), 60)
        opened.migrate()
        yield opened
        opened.close()

    @pytest.fixture
    def opening(self, mongodb_url: str) -> str:
        return OPENING_MONGODB.format(url=mongodb_url)


class TestSqliteJobStore(SqlContract):
    """SQLite, in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.sqlite"


class TestPostgresqlJobStore(SqlContract):
    """A PostgreSQL server."""

    @pytest.fixture
    def url(self, postgresql_url: str) -> str:
        return postgresql_url


class TestMariadbJobStore(SqlContract):
    """A MariaDB server."""

    @pytest.fixture
    def url(self, mariadb_url: str) -> str:
        return mariadb_url
