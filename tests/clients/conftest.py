"""A served instance, shared by the tests of one client."""

from collections.abc import Iterator

import pytest

from tests.support.client import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server in a process of its own; started as the fixture `serve` does, once for a module."""
    started = Served(tmp_path_factory.mktemp("server")).start()
    yield started
    started.stop()
