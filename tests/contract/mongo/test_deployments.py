"""Deployed processes on MongoDB when their deployer dies between two commands, and what they cost."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database as PlainDatabase

from tests.contract.mongo.conftest import Commands, count, die
from tests.support.revisions import MIB, deploy, revision, versions
from weaver_like.domain.errors import TooLarge
from weaver_like.domain.job import micros_of
from weaver_like.domain.package import Change, Deployed
from weaver_like.stores.mongo.deployments import MongoDeploymentStore
from weaver_like.stores.mongo.store import MongoStore

#: A child's code: deploys another version in place of the first one.
_DEPLOY = """
from tests.support.revisions import revision
from weaver_like.domain.package import Change
store.deployments.change(Change(1, (revision(version="2"),), (("echo", "1.0.0"),), {"echo": "2"}))
"""


@pytest.fixture
def deployments(store: MongoStore) -> MongoDeploymentStore:
    deploy(store.deployments, revision())
    return store.deployments


@pytest.fixture
def age(plain: PlainDatabase) -> Callable[[timedelta], None]:
    """Makes everything that was written older."""
    return lambda by: plain.process_revisions.update_many({}, {"$inc": {"written": -(by // timedelta(microseconds=1))}})


def test_what_a_deployer_wrote_before_its_death_is_not_seen_and_goes_with_a_later_change(
    deployments: MongoDeploymentStore, mongodb_url: str, plain: PlainDatabase, age: Callable
) -> None:
    die(mongodb_url, _DEPLOY, ("update", "process_offer"))
    assert deployments.get_deployed() == Deployed(1, {"echo": "1.0.0"})
    assert versions(deployments) == ["1.0.0"]
    assert count(plain.process_revisions) == 2
    age(timedelta(minutes=59))
    deploy(deployments, revision("another"))  # who wrote it may be alive
    assert count(plain.process_revisions) == 3
    age(timedelta(minutes=2))
    deploy(deployments, revision("a third"))
    assert count(plain.process_revisions) == 3
    assert [deployments.get(name, "1.0.0").key[0] for name in ("echo", "another", "a third")] == [
        "echo",
        "another",
        "a third",
    ]


def test_what_a_deployer_did_not_live_to_remove_goes_with_a_later_change(
    deployments: MongoDeploymentStore, mongodb_url: str, plain: PlainDatabase, age: Callable
) -> None:
    die(mongodb_url, _DEPLOY, ("delete", "process_revisions"))
    assert deployments.get_deployed() == Deployed(2, {"echo": "2"})
    assert versions(deployments) == ["2"]
    assert count(plain.process_revisions) == 2
    age(timedelta(hours=2))
    assert deployments.change(Change(2))
    assert count(plain.process_revisions) == 1
    assert deployments.get("echo", "2") == revision(version="2")


def test_nothing_stays_of_what_was_replaced_removed_or_refused(
    deployments: MongoDeploymentStore, plain: PlainDatabase
) -> None:
    deploy(deployments, revision(content=b"new"), revision(version="2"))
    assert not deployments.change(Change(1, (revision(version="3"),)))
    assert count(plain.process_revisions) == 2
    for size_bytes in (16 * MIB - 100, 16 * MIB, 17 * MIB):
        with pytest.raises(TooLarge):
            deployments.change(
                Change(2, (revision(version="4"), revision(version="5", content=b"x" * size_bytes)), (), {"echo": "4"})
            )
    assert deployments.get_deployed() == Deployed(2, {"echo": "2"})
    assert count(plain.process_revisions) == 2
    assert deployments.change(Change(2, (), (), {"echo": None}))
    assert count(plain.process_revisions) == 0


def test_the_number_is_one_command_and_a_small_answer(deployments: MongoDeploymentStore, commands: Commands) -> None:
    deploy(deployments, *(revision("echo", f"{number}", content=b"x" * 1000) for number in range(100)))
    commands.clear()
    assert deployments.get_number() == 2
    assert commands.sent == [("find", "process_offer")]
    assert commands.received_bytes < 200


def test_old_revisions_are_told_without_reading_them(deployments: MongoDeploymentStore, plain: PlainDatabase) -> None:
    """The index says what is old and not offered."""
    kept = [row["_id"] for row in plain.process_revisions.find()]
    wanted = {"written": {"$lt": micros_of(datetime.now(UTC) + timedelta(hours=1))}, "_id": {"$nin": kept}}
    plan = plain.command(
        "explain",
        {"find": "process_revisions", "filter": wanted, "hint": "revisions_by_written"},
        verbosity="executionStats",
    )
    assert plan["executionStats"]["totalDocsExamined"] == 0
    assert re.search(r"'indexName': 'revisions_by_written'", str(plan))
