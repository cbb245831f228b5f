"""Installations on servers of their own, which a test may kill."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recovery.installation import Installation
from tests.recovery.notes import write_plugin
from tests.support.brokers import RabbitMQ, Redis
from tests.support.databases import MariaDB, MongoDB, PostgreSQL
from tests.support.servers import PrivateServer
from tests.support.services import mongo_database, own_name, sql_database

#: Name -> engine of the database and of the broker. The first one needs no server.
STACKS: dict[str, tuple[type[PrivateServer] | None, type[PrivateServer] | None]] = {
    "embedded-sqlite": (None, None),
    "embedded-postgresql": (PostgreSQL, None),
    "embedded-mariadb": (MariaDB, None),
    "rabbitmq-mongodb": (MongoDB, RabbitMQ),
    "redis-postgresql": (PostgreSQL, Redis),
}


def on(*names: str, heavy: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Run a test on stacks, whatever the system of the run is.

    `heavy` ones tell more of the same, and `make test` leaves them out.

    One worker of a run has each stack's servers.
    """

    def marks(name: str) -> list[pytest.MarkDecorator]:
        group = [] if name == "embedded-sqlite" else [pytest.mark.xdist_group(f"recovery-{name}")]
        return [pytest.mark.only("sqlite-embedded"), *group, *([pytest.mark.heavy] if name in heavy else [])]

    return pytest.mark.parametrize(
        "stack", [pytest.param(name, marks=marks(name)) for name in (*names, *heavy)], indirect=True
    )


@dataclass(frozen=True)
class Stack:
    """Servers of our own, both up at the start of a test, and the settings of
    an installation with a database of its own."""

    name: str
    database: PrivateServer | None
    broker: PrivateServer | None
    settings: tuple[str, ...]


@pytest.fixture(scope="session")
def own_server() -> Iterator[Callable[[type[PrivateServer]], PrivateServer]]:
    """The server of a kind that the tests here may kill: one for all of them, up."""
    made: dict[type[PrivateServer], PrivateServer] = {}

    def find(kind: type[PrivateServer]) -> PrivateServer:
        if kind.missing():
            pytest.skip(kind.missing())
        server = made.setdefault(kind, kind())
        if server.process is None or server.process.poll() is not None:
            server.start()
        return server

    yield find
    for server in made.values():
        server.close()


@pytest.fixture
def stack(request: pytest.FixtureRequest, own_server: Callable) -> Iterator[Stack]:
    """The stack of `on`."""
    kinds = STACKS[request.param]
    database, broker = (kind and own_server(kind) for kind in kinds)
    with ExitStack() as made:
        settings = []
        if isinstance(database, MongoDB):
            settings.append(f"store.url={made.enter_context(mongo_database(database.url))}")
        elif database:
            settings.append(f"store.url={made.enter_context(sql_database(database.url, []))}")
        settings += (
            ["engine.kind=celery", f"celery.broker_url={broker.url}", f"celery.prefix={own_name()}"]
            if broker
            else ["engine.kind=embedded"]
        )
        yield Stack(request.param, database, broker, tuple(settings))
        for server in (database, broker):
            if server is not None and server.process.poll() is not None:  # the test failed while it was away
                server.start()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of an installation, with the plugin."""
    write_plugin(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def install(stack: Stack, data: Path) -> Iterator[Callable[..., Installation]]:
    """Makes the installation of a test, which is not started yet: `install("engine.close=kill").up()`."""
    made: list[Installation] = []

    def make(*overrides: str) -> Installation:
        made.append(Installation(data, *stack.settings, *overrides))
        return made[-1]

    yield make
    for installation in made:
        installation.down()
