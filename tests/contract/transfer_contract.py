"""What every `JobTransfer` promises: whole jobs come out as they went in."""

import logging
from datetime import UTC, datetime

from tests.support.stored_jobs import SECOND, T1, digests, varied, whole
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import JobDocuments, JobFilter, LogEntry, Move, StoredJob
from weaver_like.domain.status import Status
from weaver_like.domain.values import Occurrences, Value
from weaver_like.stores.base import EXPORT_BYTES, Store


class JobTransferContract:
    """export and put."""

    def test_whole_jobs_come_out_as_they_went_in(self, store: Store) -> None:
        put = varied()
        store.transfer.put(put)
        out = store.transfer.export(None, 100)
        assert [(one.job, one.place, one.lease, one.log, one.callbacks, one.steps, one.run) for one in out] == [
            (one.job, one.place, one.lease, one.log, one.callbacks, one.steps, one.run) for one in put
        ]
        assert digests(out) == digests(put)
        assert store.jobs.get("job-2") == next(one.job for one in put if one.job.id == "job-2")

    def test_pages_of_whole_jobs_follow_each_other(self, store: Store) -> None:
        put = varied()
        store.transfer.put(put)
        seen: list[StoredJob] = []
        while page := store.transfer.export(seen[-1].job.key if seen else None, 3):
            assert len(page) <= 3
            seen += page
        assert digests(seen) == digests(put)

    def test_a_page_ends_where_jobs_are_large(self, store: Store) -> None:
        lines = tuple(LogEntry(T1, logging.INFO, "x" * (EXPORT_BYTES // 4), None, number) for number in (1, 2, 3))
        large = Execution({"a": Occurrences((Value("x" * (EXPORT_BYTES // 2)),), ("/inputs/a",))})
        put = [
            whole("1", 1, Status.FAILED),
            whole("2", 2, Status.FAILED, log=lines),
            whole("3", 3, Status.FAILED, log=lines),
            whole("4", 4, Status.FAILED, documents=JobDocuments(large)),
            whole("5", 5, Status.FAILED, documents=JobDocuments(large)),
        ]
        for one in put:
            store.transfer.put([one])
        pages = []
        while page := store.transfer.export(pages[-1][-1].job.key if pages else None, 100):
            pages.append(page)
        assert [[one.job.id for one in page] for page in pages] == [["1", "2"], ["3"], ["4"], ["5"]]
        assert digests([one for page in pages for one in page]) == digests(put)

    def test_to_put_again_changes_nothing_and_to_put_another_replaces(self, store: Store) -> None:
        store.transfer.put([])
        store.transfer.put(varied())
        store.transfer.put(varied()[2:4])
        assert digests(store.transfer.export(None, 100)) == digests(varied())
        other = whole("job-1", 0, Status.SUCCESSFUL, "other", log=(), callbacks=(), steps=())
        store.transfer.put([other])
        assert digests([one for one in store.transfer.export(None, 100) if one.job.id == "job-1"]) == digests([other])
        assert store.logs.read("job-1") == []
        assert store.steps.find("job-1") == []

    def test_jobs_that_came_from_elsewhere_go_on(self, store: Store) -> None:
        """The queue, leases, logs and callbacks work as if the jobs had been made here."""
        first = whole("1", 9, Status.ACCEPTED, place=5)
        store.transfer.put(
            [
                first,
                whole("2", 8, Status.ACCEPTED, place=6),
                whole("3", 7, Status.RUNNING),
                whole("4", 6, Status.SUCCESSFUL),
            ]
        )
        assert [job.id for job in store.jobs.find_lost(T1 + SECOND * 3600)] == ["3"]
        claim = store.jobs.claim_next("w", T1 + SECOND, "gpu")
        assert (claim.job.id, claim.job.attempt, claim.execution) == (
            "1",
            first.job.attempt + 1,
            first.documents.execution,
        )
        assert store.jobs.move(
            "1", Move(Status.SUCCESSFUL, attempt=claim.job.attempt, entries=[LogEntry(T1, logging.INFO, "end")])
        )
        assert store.logs.read("1")[-1].number == 6
        far = datetime(2100, 1, 1, tzinfo=UTC)
        told = store.outbox.take(far, far + SECOND, 99)
        assert sorted((callback.job_id, callback.kind, callback.attempts) for callback in told) == [
            ("1", "success", 0),
            ("3", "inProgress", 0),
            ("3", "success", 3),
            ("4", "inProgress", 0),
            ("4", "success", 3),
        ]
        assert store.jobs.delete("4")
        assert [job.id for job in store.jobs.find(JobFilter()).jobs] == ["1", "2", "3"]
