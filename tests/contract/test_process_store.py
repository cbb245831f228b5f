"""Every process store keeps the promises of `ProcessStore`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.process_store_contract import ProcessStoreContract
from weaver_like.settings import Settings
from weaver_like.stores.base import ProcessStore
from weaver_like.wiring import open_stores


class OpenedContract(ProcessStoreContract):
    """The contract on a database whose address is the fixture `url`."""

    @pytest.fixture
    def unmade(self, url: str) -> Iterator[ProcessStore]:
        jobs, _, processes = open_stores(Settings(), url)
        yield processes
        jobs.close()

    @pytest.fixture
    def processes(self, url: str) -> Iterator[ProcessStore]:
        jobs, _, processes = open_stores(Settings(), url)
        jobs.migrate()
        yield processes
        jobs.close()

    @pytest.fixture
    def other(self, processes: ProcessStore, unmade: ProcessStore) -> ProcessStore:
        """Of the same database, when it has been made."""
        return unmade


class TestSqliteProcessStore(OpenedContract):
    """SQLite, in a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.sqlite"


class TestPostgresqlProcessStore(OpenedContract):
    """A PostgreSQL server."""

    @pytest.fixture
    def url(self, postgresql_url: str) -> str:
        return postgresql_url


class TestMariadbProcessStore(OpenedContract):
    """A MariaDB server."""

    @pytest.fixture
    def url(self, mariadb_url: str) -> str:
        return mariadb_url


class TestMongoProcessStore(OpenedContract):
    """MongoDB, a standalone server; the folder `mongo` has what is its own."""

    @pytest.fixture
    def url(self, mongodb_url: str) -> str:
        return mongodb_url
