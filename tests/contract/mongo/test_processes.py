"""Deployed processes on MongoDB when their deployer dies between two commands, and what they cost."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database as PlainDatabase

from tests.contract.mongo.conftest import Commands, count, die
from tests.support.revisions import MIB, deploy, revision, versions
from weaver_like.domain.errors import TooLarge
from weaver_like.domain.package import Change, Deployed
from weaver_like.stores.codec import to_micros
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.mongo.processes import MongoProcessStore

#: A child's code: deploys another version in place of the first one.
_DEPLOY = """
from tests.support.revisions import revision
from weaver_like.domain.package import Change
from weaver_like.stores.mongo.processes import MongoProcessStore
MongoProcessStore(store._database).change(Change(1, (revision(version="2"),), (("echo", "1.0.0"),), {"echo": "2"}))
"""


@pytest.fixture
def processes(mongodb_url: str, jobs: MongoJobStore) -> MongoProcessStore:
    made = MongoProcessStore(MongoDatabase(mongodb_url, 2))
    deploy(made, revision())
    return made


@pytest.fixture
def age(plain: PlainDatabase) -> Callable[[timedelta], None]:
    """Makes everything that was written older."""
    return lambda by: plain.process_revisions.update_many({}, {"$inc": {"written": -(by // timedelta(microseconds=1))}})


def test_what_a_deployer_wrote_before_its_death_is_not_seen_and_goes_with_a_later_change(
    processes: MongoProcessStore, mongodb_url: str, plain: PlainDatabase, age: Callable
) -> None:
    die(mongodb_url, _DEPLOY, ("update", "process_offer"))
    assert processes.get_deployed() == Deployed(1, {"echo": "1.0.0"})
    assert versions(processes) == ["1.0.0"]
    assert count(plain.process_revisions) == 2
    age(timedelta(minutes=59))
    deploy(processes, revision("another"))  # who wrote it may be alive
    assert count(plain.process_revisions) == 3
    age(timedelta(minutes=2))
    deploy(processes, revision("a third"))
    assert count(plain.process_revisions) == 3
    assert [processes.get(name, "1.0.0").key[0] for name in ("echo", "another", "a third")] == [
        "echo",
        "another",
        "a third",
    ]


def test_what_a_deployer_did_not_live_to_remove_goes_with_a_later_change(
    processes: MongoProcessStore, mongodb_url: str, plain: PlainDatabase, age: Callable
) -> None:
    die(mongodb_url, _DEPLOY, ("delete", "process_revisions"))
    assert processes.get_deployed() == Deployed(2, {"echo": "2"})
    assert versions(processes) == ["2"]
    assert count(plain.process_revisions) == 2
    age(timedelta(hours=2))
    assert processes.change(Change(2))
    assert count(plain.process_revisions) == 1
    assert processes.get("echo", "2") == revision(version="2")


def test_nothing_stays_of_what_was_replaced_removed_or_refused(
    processes: MongoProcessStore, plain: PlainDatabase
) -> None:
    deploy(processes, revision(content=b"new"), revision(version="2"))
    assert not processes.change(Change(1, (revision(version="3"),)))
    assert count(plain.process_revisions) == 2
    for size_bytes in (16 * MIB - 100, 16 * MIB, 17 * MIB):
        with pytest.raises(TooLarge):
            processes.change(
                Change(2, (revision(version="4"), revision(version="5", content=b"x" * size_bytes)), (), {"echo": "4"})
            )
    assert processes.get_deployed() == Deployed(2, {"echo": "2"})
    assert count(plain.process_revisions) == 2
    assert processes.change(Change(2, (), (), {"echo": None}))
    assert count(plain.process_revisions) == 0


def test_the_number_is_one_command_and_a_small_answer(processes: MongoProcessStore, commands: Commands) -> None:
    deploy(processes, *(revision("echo", f"{number}", content=b"x" * 1000) for number in range(100)))
    commands.clear()
    assert processes.get_number() == 2
    assert commands.sent == [("find", "process_offer")]
    assert commands.received_bytes < 200


def test_old_revisions_are_told_without_reading_them(processes: MongoProcessStore, plain: PlainDatabase) -> None:
    """The index says what is old and not offered."""
    kept = [row["_id"] for row in plain.process_revisions.find()]
    wanted = {"written": {"$lt": to_micros(datetime.now(UTC) + timedelta(hours=1))}, "_id": {"$nin": kept}}
    plan = plain.command(
        "explain",
        {"find": "process_revisions", "filter": wanted, "hint": "revisions_by_written"},
        verbosity="executionStats",
    )
    assert plan["executionStats"]["totalDocsExamined"] == 0
    assert re.search(r"'indexName': 'revisions_by_written'", str(plan))
