"""What every `FollowedRuns` promises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.support.jobs import SECOND, T0, add, in_status, line, until
from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.job import Move, Report
from weaver_like.domain.status import Status
from weaver_like.stores.base import Store

ODD = "\0a\0\ufdd0\ufdd00 \U0001f600 \\0 % :x ' \" $a \x1a\r\n\t " + "x" * 10000


def run_of(job_id: str, attempt: int = 1) -> FollowedRun:
    return FollowedRun(job_id, "batch", attempt, T0)


def handed_over(store: Store, handle: str = "h", deadline: datetime | None = None) -> str:
    """A job whose run is followed."""
    job_id = in_status(store, Status.RUNNING)
    assert store.followed.begin(run_of(job_id))
    assert store.followed.hand_over(job_id, 1, handle, deadline)
    return job_id


class FollowedRunsContract:
    """begin, hand_over, find, forget; and the reports of who follows."""

    def test_a_run_is_begun_once(self, store: Store) -> None:
        """Whoever comes after a worker that died in between learns that the run may have been started."""
        job_id = in_status(store, Status.RUNNING)
        assert store.followed.begin(run_of(job_id)) == run_of(job_id)
        assert store.followed.begin(run_of(job_id)) == run_of(job_id)
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1))
        assert store.jobs.claim_next("w2", until()).job.attempt == 2
        again = replace(run_of(job_id, 2), begun=T0 + SECOND)
        assert store.followed.begin(again) == run_of(job_id)
        assert store.followed.begin(again) == replace(run_of(job_id), attempt=2)

    def test_only_who_holds_the_job_begins_and_hands_over(self, store: Store) -> None:
        (job_id,) = add(store)
        assert store.followed.begin(run_of(job_id, 0)) is None
        store.jobs.claim_next("w1", until())
        assert store.followed.begin(run_of(job_id, 1))
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1))
        assert not store.followed.hand_over(job_id, 1, "late", None)
        store.jobs.claim_next("w2", until())
        assert store.followed.begin(run_of(job_id, 1)) is None
        assert store.followed.begin(run_of(job_id, 2))
        assert not store.followed.hand_over(job_id, 1, "late", None)
        assert store.followed.hand_over(job_id, 2, "mine", None)
        assert [run.handle for run, _ in store.followed.find()] == ["mine"]
        assert store.followed.begin(run_of("unknown")) is None
        assert not store.followed.hand_over("unknown", 1, "h", None)

    def test_a_run_that_was_handed_over_is_held_by_no_worker(self, store: Store) -> None:
        deadline = T0 + SECOND * 3600
        job_id = handed_over(store, ODD, deadline)
        assert store.followed.hand_over(job_id, 1, ODD, deadline)
        ((run, job),) = store.followed.find()
        assert run == replace(run_of(job_id), handle=ODD, deadline=deadline)
        assert (job.id, job.status, job.attempt, job.worker) == (job_id, Status.RUNNING, 1, None)
        assert job == store.jobs.get(job_id)
        assert store.jobs.find_lost(datetime.now(UTC) + timedelta(days=9)) == []
        assert store.jobs.find_lost(datetime.now(UTC), "w") == []

    def test_a_run_that_a_worker_holds_is_not_found(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        store.followed.begin(run_of(job_id))
        assert store.followed.find() == []
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1))
        assert store.followed.find() == []

    def test_runs_of_jobs_that_have_ended_or_gone_are_found_until_they_are_forgotten(self, store: Store) -> None:
        running, dismissed, gone = (handed_over(store) for _ in range(3))
        begun = in_status(store, Status.RUNNING)
        store.followed.begin(run_of(begun))
        for job_id in (dismissed, gone, begun):
            assert store.jobs.move(job_id, Move(Status.DISMISSED))
        assert store.jobs.delete(gone)
        found = {run.job_id: (run.handle, job and job.status) for run, job in store.followed.find()}
        assert found == {
            running: ("h", Status.RUNNING),
            dismissed: ("h", Status.DISMISSED),
            gone: ("h", None),
            begun: (None, Status.DISMISSED),
        }
        for job_id in (dismissed, gone, begun, "unknown"):
            store.followed.forget(job_id)
        assert [run.job_id for run, _ in store.followed.find()] == [running]

    def test_who_follows_reports_without_a_lease(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        without = Report(None, 42, "half", [line("far")])
        assert not store.jobs.report(job_id, 1, without)
        store.followed.begin(run_of(job_id))
        assert store.followed.hand_over(job_id, 1, "h", None)
        assert not store.jobs.report(job_id, 1, Report(until(), 7, "late worker", [line("late")]))
        assert store.jobs.report(job_id, 1, without)
        job = store.jobs.get(job_id)
        assert (job.progress, job.message) == (42, "half")
        assert [entry.message for entry in store.logs.read(job_id)] == ["far"]
        assert store.jobs.report(job_id, 1, Report(None))
        assert store.jobs.find_lost(datetime.now(UTC) + timedelta(days=9)) == []

    def test_the_job_of_a_followed_run_ends_once(self, store: Store) -> None:
        job_id = handed_over(store)
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1))
        assert not store.jobs.move(job_id, Move(Status.FAILED, attempt=1))
        assert not store.jobs.report(job_id, 1, Report(None))
        assert not store.followed.hand_over(job_id, 1, "again", None)
        assert [(run.handle, job.status) for run, job in store.followed.find()] == [("again", Status.SUCCESSFUL)]
