"""Every kind of store, on real databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from pymongo import MongoClient
from sqlalchemy import NullPool, create_engine

from tests.contract.opening import open_store
from tests.support.services import mariadb_database, mongo_database, postgresql_database
from weaver_like.stores.base import Store
from weaver_like.stores.mongo.migrate import OFFER
from weaver_like.stores.sql.tables import metadata, offer, schema_version

#: A new kind of store is one more here.
KINDS = ("sqlite", "postgresql", "mariadb", "mongodb")
#: Code for another OS process, after which it has opened `store`.
OPENING = """
from tests.contract.opening import open_store
store = open_store({url!r}, 2)
"""


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database of the test's own, without tables; MongoDB is a standalone server."""
    kind = request.param
    if kind == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return f"sqlite:///{folder}/jobs.sqlite"
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture(scope="session")
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Gives the URL of a database of a kind, with its tables, which the tests of a run's worker use in turn."""
    with ExitStack() as stack:

        @cache
        def find(kind: str) -> str:
            url: str = stack.enter_context(_new_database(kind, request, tmp_path_factory))
            opened = open_store(url)
            opened.migrate()
            opened.close()
            return url

        yield find


@contextmanager
def _new_database(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/jobs.sqlite"
        return
    makers = {"postgresql": postgresql_database, "mariadb": mariadb_database, "mongodb": mongo_database}
    with makers[kind](request.getfixturevalue(f"{kind}_server")) as url:
        yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, shared_database: Callable[[str], str]) -> Iterator[str]:
    """URL of a database that has its tables, and nothing in them."""
    url = shared_database(request.param)
    yield url
    _empty(url)


def _empty(url: str) -> None:
    if url.startswith("mongodb://"):
        _empty_mongo(url)
        return
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table is not schema_version:
                connection.execute(table.delete())
        connection.execute(offer.insert().values(id=1, number=0, versions=b"{}"))


def _empty_mongo(url: str) -> None:
    with MongoClient(url) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            if name != "schema_version":
                database[name].delete_many({"_id": {"$ne": OFFER}})
        nothing = {"number": 0, "current": [], "revisions": []}
        database["process_offer"].replace_one({"_id": OFFER}, nothing)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store with its tables."""
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def opening(database_url: str) -> str:
    return OPENING.format(url=database_url)
