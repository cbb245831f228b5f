"""Schedules on MongoDB when their scheduler dies between two commands, and what they cost."""

from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database as PlainDatabase

from tests.contract.mongo.conftest import Commands, count, die
from tests.support.schedules import DUE, HOUR, add, fire, new
from weaver_like.domain.errors import NoSuchJob, TooLarge
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import JobFilter
from weaver_like.domain.schedule import Schedule
from weaver_like.domain.values import Occurrences, Value
from weaver_like.stores.mongo.schedules import MongoScheduleStore
from weaver_like.stores.mongo.store import MongoStore

#: A child's code: fires one schedule, a while ago or just now.
_FIRE = """
from dataclasses import replace
from tests.support.schedules import HOUR, PLENTY, job_of
from weaver_like.domain.schedule import Firing
schedule = store.schedules.get({schedule_id!r})
at = datetime.now(UTC) - timedelta(seconds={ago_s})
store.schedules.fire(schedule, Firing(at, schedule.due + HOUR, job_of(schedule)), PLENTY)
"""
_LARGE = Execution({"a": Occurrences((Value("x" * 20000),), ("/inputs/a",))})


@pytest.fixture
def schedules(store: MongoStore) -> MongoScheduleStore:
    return store.schedules


@pytest.fixture
def made(schedules: MongoScheduleStore) -> Schedule:
    schedule = new(execution=_LARGE)
    add(schedules, schedule)
    return schedule


def test_a_job_that_was_not_released_comes_with_a_later_look(
    schedules: MongoScheduleStore, store: MongoStore, made: Schedule, mongodb_url: str
) -> None:
    die(mongodb_url, _FIRE.format(schedule_id=made.id, ago_s=60), ("insert", "jobs"))
    assert (schedules.get(made.id).due, schedules.get(made.id).last_job_id) == (DUE + HOUR, None)
    assert not fire(schedules, made)
    for _ in range(2):
        assert schedules.next_due() == DUE + HOUR
    store.jobs.find_lost(datetime.now(UTC) + timedelta(hours=2))
    claim = store.jobs.claim_next("w1", datetime.now(UTC) + HOUR)
    assert schedules.get(made.id).last_job_id == made.next_job_id
    assert (claim.job.id, len(claim.execution.inputs["a"].items[0].data)) == (made.next_job_id, 20000)
    assert store.jobs.claim_next("w1", datetime.now(UTC) + HOUR) is None


def test_a_job_whose_scheduler_may_be_alive_is_left_to_it(
    schedules: MongoScheduleStore, store: MongoStore, made: Schedule, mongodb_url: str
) -> None:
    die(mongodb_url, _FIRE.format(schedule_id=made.id, ago_s=0), ("insert", "jobs"))
    schedules.next_due()
    with pytest.raises(NoSuchJob):
        store.jobs.get(made.next_job_id)


@pytest.mark.parametrize("then", ["fire", "fail", "delete"])
def test_a_job_that_was_not_released_comes_before_the_next_one(
    schedules: MongoScheduleStore, store: MongoStore, made: Schedule, mongodb_url: str, then: str
) -> None:
    die(mongodb_url, _FIRE.format(schedule_id=made.id, ago_s=0), ("insert", "jobs"))
    following = schedules.get(made.id)
    if then == "delete":
        assert schedules.delete(made.id)
    else:
        assert fire(schedules, following, failure="why" if then == "fail" else None)
    assert {job.id for job in store.jobs.find(JobFilter()).jobs} == {made.next_job_id} | (
        {following.next_job_id} if then == "fire" else set()
    )


def test_a_job_that_was_released_comes_once(
    schedules: MongoScheduleStore, store: MongoStore, made: Schedule, plain: PlainDatabase
) -> None:
    """Its scheduler died before it could note that."""
    assert fire(schedules, made)
    plain.schedules.update_one({"_id": made.id}, {"$set": {"next_job": plain.jobs.find_one({"_id": made.next_job_id})}})
    assert store.jobs.claim_next("w1", datetime.now(UTC) + HOUR).job.id == made.next_job_id
    schedules.next_due()
    assert store.jobs.claim_next("w1", datetime.now(UTC) + HOUR) is None
    assert "next_job" not in plain.schedules.find_one({"_id": made.id})


def test_a_firing_that_was_not_kept_leaves_the_schedule_due(
    schedules: MongoScheduleStore, store: MongoStore, made: Schedule, mongodb_url: str, plain: PlainDatabase
) -> None:
    die(mongodb_url, _FIRE.format(schedule_id=made.id, ago_s=60), ("update", "schedules"))
    assert schedules.due(DUE, 10) == [made]
    store.jobs.find_lost(datetime.now(UTC) + timedelta(hours=2))
    assert count(plain.job_parts) == 0
    assert fire(schedules, made)
    assert store.jobs.get_documents(made.next_job_id).execution.inputs["a"].items == _LARGE.inputs["a"].items


def sized(size_bytes: int) -> Schedule:
    return new(execution=Execution({"a": Occurrences((Value("x" * size_bytes),), ("/inputs/a",))}))


@pytest.mark.parametrize("size_bytes", [2**24 - 2**18, 2**24, 2**24 + 2**13, 17_000_000])
def test_a_schedule_that_is_larger_than_a_document_is_too_large(schedules: MongoScheduleStore, size_bytes: int) -> None:
    with pytest.raises(TooLarge, match="by reference"):
        schedules.add(sized(size_bytes), 10)


def test_a_schedule_that_just_fits_fires(schedules: MongoScheduleStore, store: MongoStore) -> None:
    schedule = sized(2**24 - 2**18 - 1000)
    schedules.add(schedule, 10)
    assert fire(schedules, schedule)
    assert (
        store.jobs.get_documents(schedule.next_job_id).execution.inputs["a"].items
        == schedule.execution.inputs["a"].items
    )


def test_an_idle_look_costs_two_commands(schedules: MongoScheduleStore, made: Schedule, commands: Commands) -> None:
    commands.clear()
    assert schedules.next_due() == made.due
    assert commands.sent == [("find", "schedules")] * 2
