"""What the tests of the MongoDB store share: a store, what it asks of the
server, and children that die between two commands."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import bson
import pytest
from pymongo import MongoClient, monitoring
from pymongo.collection import Collection
from pymongo.database import Database as PlainDatabase

from tests.contract.opening import open_store


class Commands(monitoring.CommandListener):
    """Every command that clients of one database sent: its name and collection, and how many bytes the answers had."""

    def __init__(self) -> None:
        self.database = ""
        self.sent: list[tuple[str, str]] = []
        self.received_bytes = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.database_name == self.database:
            self.sent.append((event.command_name, event.command[event.command_name]))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.database_name == self.database:
            self.received_bytes += len(bson.encode(event.reply))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def clear(self) -> None:
        self.sent.clear()
        self.received_bytes = 0


_COMMANDS = Commands()
#: Clients that are made from now on tell it; the driver cannot forget it again.
monitoring.register(_COMMANDS)


@pytest.fixture
def commands(plain: PlainDatabase) -> Iterator[Commands]:
    """What clients of the test's database send from now on."""
    _COMMANDS.database = plain.name
    _COMMANDS.clear()
    yield _COMMANDS
    _COMMANDS.database = ""


@pytest.fixture
def database_url(mongodb_url: str) -> str:
    """A database of the test's own: its processes die, and its indexes are looked at."""
    opened = open_store(mongodb_url)
    opened.migrate()
    opened.close()
    return mongodb_url


@pytest.fixture
def plain(mongodb_url: str) -> Iterator[PlainDatabase]:
    """The same database without the store."""
    with MongoClient(mongodb_url) as client:
        yield client.get_default_database()


def count(collection: Collection) -> int:
    return collection.count_documents({})


#: A child's code: it dies as a command is about to be sent for the n-th time.
_DYING = """
import os, signal
from datetime import UTC, datetime, timedelta
from pymongo import monitoring
class Dying(monitoring.CommandListener):
    seen = 0
    def started(self, event):
        self.seen += (event.command_name, event.command[event.command_name]) == {command!r}
        if self.seen == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
    def succeeded(self, event): pass
    def failed(self, event): pass
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Job, Move, NewJob, Outcome
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.values import Occurrences, Value
from tests.contract.opening import open_store
def large(job_id, parent_id=None):
    now = datetime(2024, 5, 6, tzinfo=UTC)
    given = Execution({{"a": Occurrences((Value("x" * 20000),), ("/inputs/a",))}})
    return NewJob(Job(job_id, "echo", Status.ACCEPTED, now, now, parent_id=parent_id), given)
monitoring.register(Dying())
store = open_store({url!r}, 2)
"""


def die(url: str, code: str, command: tuple[str, str], nth: int = 1) -> None:
    """Run code on `store` in a child that is killed just before it sends a
    command, (name, collection), for the n-th time."""
    child = subprocess.run(
        [sys.executable, "-c", _DYING.format(command=command, nth=nth, url=url) + code], capture_output=True, text=True
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
