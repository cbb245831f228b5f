"""A store of the release before owners is taken over: nothing is lost, and everything goes on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import MongoClient
from sqlalchemy import create_engine, text

from tests.contract.old import content, mongo4, sql6
from tests.contract.opening import open_store
from tests.support.jobs import PLENTY, add, line, new, take, until
from tests.support.revisions import deploy, versions
from tests.support.schedules import job_of
from tests.support.stored_jobs import digests
from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.job import JobFilter, Move, Outcome, Report, StoredJob
from weaver_like.domain.package import Change, Deployed
from weaver_like.domain.requester import ANONYMOUS
from weaver_like.domain.results import Result
from weaver_like.domain.schedule import Firing, ScheduleFilter
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.stores.base import Store

IDS = [stored.job.id for stored in content.STORED]


def fill(url: str) -> list[int]:
    """Make a store of the old release; the migrations that it lacks."""
    if url.startswith("mongodb://"):
        mongo4.fill(url)
        return []
    sql6.fill(url)
    return [7, 8]


def every_job(store: Store) -> list[StoredJob]:
    """Page by page, for large jobs fill a page."""
    stored: list[StoredJob] = []
    while page := store.transfer.export(stored[-1].job.key if stored else None, 99):
        stored += page
    return stored


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    lacking = fill(store_url)
    opened = open_store(store_url)
    assert opened.migrate() == lacking
    assert opened.migrate() == []
    yield opened
    opened.close()


def test_no_job_is_lost_nor_changed(store: Store) -> None:
    assert digests(every_job(store)) == digests(content.STORED)
    for stored in content.STORED:
        assert store.jobs.get(stored.job.id) == stored.job
        assert store.logs.read(stored.job.id) == list(stored.log)
        assert store.steps.find(stored.job.id) == list(stored.steps)
        assert store.jobs.get_documents(stored.job.id).results == stored.documents.results


def test_old_records_are_nobodys_and_everybody_sees_them(store: Store) -> None:
    found = store.jobs.find(JobFilter(limit=99, seen_by=ANONYMOUS)).jobs
    assert [job.id for job in found] == IDS[::-1]
    assert {(job.owner, job.visibility) for job in found} == {("", "public")}
    assert list(store.schedules.find(ScheduleFilter(seen_by=ANONYMOUS)).schedules) == content.SCHEDULES
    seen = store.deployments.find_revisions("crop", ANONYMOUS)
    assert [summary.version for summary in seen] == ["2.0.0", "1.0.0"]


def test_the_queue_goes_on(store: Store) -> None:
    assert store.jobs.count_waiting(until()) == {"default": 1, "gpu": 1}
    first, second = store.jobs.claim_next("w1", until()), store.jobs.claim_next("w1", until(), "default")
    assert (first.job.id, second.job.id) == ("urgent", "waits")
    assert first.execution == content.execution(content.LARGE)
    assert second.followers == content.STORED[0].documents.followers
    assert store.jobs.claim_next("w1", until()) is None
    (job_id,) = add(store, owner="alice", visibility="private")
    assert store.jobs.claim_next("w1", until()).job.id == job_id
    assert [job.id for job in store.jobs.find(JobFilter(limit=99, seen_by=ANONYMOUS)).jobs] == IDS[::-1]


def test_lost_jobs_are_found_and_tried_again(store: Store) -> None:
    assert [job.id for job in store.jobs.find_lost(datetime.now(UTC))] == ["lost"]
    assert {job.id for job in store.jobs.find_lost(datetime.now(UTC), "host/")} == {"lost", "runs"}
    assert store.jobs.move("lost", Move(Status.ACCEPTED, attempt=2, entries=[line("lost")]))
    assert store.logs.read("lost")[-1].number == 3
    job = store.jobs.claim_next("w2", until(), "default").job
    assert (job.id, job.attempt, job.losses) == ("waits", 1, 0)
    job = store.jobs.claim_next("w2", until(), "default").job
    assert (job.id, job.attempt, job.losses) == ("lost", 3, 2)
    assert store.steps.find("lost") == []
    store.steps.keep("lost", 3, [Step(1, "crop", StepStatus.RUNNING)])
    assert len(store.steps.find("lost")) == 1


def test_running_jobs_report_and_end(store: Store) -> None:
    assert store.jobs.report("runs", 1, Report(until(), 50, "half", [line("half")]))
    follower = new(parent_id="runs")
    end = Move(Status.SUCCESSFUL, 1, outcome=Outcome((Result("a", 1),)), followers=[follower], entries=[line("end")])
    assert store.jobs.move("runs", end)
    assert [entry.message for entry in store.logs.read("runs")] == ["half", "end"]
    assert store.jobs.get_documents("runs").results == (Result("a", 1),)
    assert store.jobs.get(follower.job.id).parent_id == "runs"


def test_waiting_and_running_jobs_are_dismissed_and_finished_ones_removed(store: Store) -> None:
    for job_id in ("waits", "urgent", "lost", "runs"):
        assert store.jobs.move(job_id, Move(Status.DISMISSED))
    assert set(store.jobs.find_finished(until(), 99)) == set(IDS)
    for job_id in IDS:
        assert store.jobs.delete(job_id)
        with pytest.raises(NoSuchJob):
            store.jobs.get(job_id)
    assert store.transfer.export(None, 99) == []


def test_callbacks_are_delivered(store: Store) -> None:
    told = take(store, datetime.now(UTC))
    assert [(callback.job_id, callback.kind, callback.attempts) for callback in told] == [
        ("lost", "inProgress", 1),
        ("done", "success", 2),
    ]
    for callback in told:
        store.outbox.settle(callback.id, None)
    assert store.outbox.next_due() is None
    assert store.jobs.move("waits", Move(Status.DISMISSED))
    assert [callback.uri for callback in take(store, datetime.now(UTC))] == ["http://s/bad"]


def test_schedules_fire(store: Store) -> None:
    assert list(store.schedules.find(ScheduleFilter()).schedules) == content.SCHEDULES
    (due,) = store.schedules.due(datetime.now(UTC), 9)
    assert due == content.SCHEDULES[1]
    firing = Firing(datetime.now(UTC), content.FAR - timedelta(days=1), job_of(due))
    assert store.schedules.fire(due, firing, PLENTY)
    assert store.jobs.get(due.next_job_id).schedule_id == due.id
    assert store.schedules.next_due() == firing.next_due
    assert store.schedules.delete(content.DAILY)


def test_deployed_processes_are_there_and_change(store: Store) -> None:
    assert store.deployments.get_deployed() == Deployed(2, {"crop": "2.0.0"})
    assert [store.deployments.get("crop", version) for version in ("1.0.0", "2.0.0")] == content.REVISIONS
    newest = replace(content.REVISIONS[1].process, version="3.0.0")
    deploy(store.deployments, replace(content.REVISIONS[1], process=newest, owner="alice", visibility="private"))
    assert store.deployments.get("crop", "3.0.0").owner == "alice"
    assert store.deployments.change(Change(3, removed=(("crop", "1.0.0"),)))
    assert set(versions(store.deployments, "crop")) == {"2.0.0", "3.0.0"}
    assert store.deployments.change(Change(4, current={"crop": None}))
    assert store.deployments.get_deployed() == Deployed(5)


def test_leaders_are_elected(store: Store) -> None:
    assert store.leaders.take("housekeeper", "other", until())


def test_a_migration_that_was_interrupted_is_begun_again(store_url: str) -> None:
    """MariaDB ends a transaction at every change of a table; MongoDB has none."""
    fill(store_url)
    if store_url.startswith("mongodb://"):
        with MongoClient(store_url) as client:
            client.get_default_database().schema_version.delete_one({"_id": 4})
    else:
        engine = create_engine(store_url)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE jobs ADD COLUMN owner VARCHAR(255) DEFAULT '' NOT NULL"))
        engine.dispose()
    opened = open_store(store_url)
    assert opened.migrate() == ([4] if store_url.startswith("mongodb://") else [7, 8])
    assert digests(every_job(opened)) == digests(content.STORED)
    opened.close()
