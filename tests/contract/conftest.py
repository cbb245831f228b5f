"""Every kind of store, on a real database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.opening import open_store
from weaver_like.stores.base import Store

#: Code for another OS process, after which it has opened `store`.
OPENING = """
from tests.contract.opening import open_store
store = open_store({url!r}, 2)
"""


def url_of(kind: str, request: pytest.FixtureRequest) -> str:
    """URL of an empty database; MongoDB is a standalone server."""
    if kind == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return f"sqlite:///{folder}/jobs.sqlite"
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mongodb"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A new kind of store is one more here."""
    return url_of(request.param, request)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store with its tables."""
    opened = open_store(store_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def opening(store_url: str) -> str:
    return OPENING.format(url=store_url)
