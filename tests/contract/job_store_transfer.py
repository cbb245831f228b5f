"""What every `JobStore` promises about whole jobs: they come out as they went in."""

import logging
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import Fault, InvalidInput, RunFailed
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Follower, Job, JobDocuments, JobFilter, LogEntry, StoredJob, WaitingCallback
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.domain.values import Occurrences, Reference, Value
from weaver_like.jobs.copy import digest_of
from weaver_like.stores.base import EXPORT_BYTES, JobStore

T1 = datetime(2024, 5, 6, 7, 8, 9, 123457, UTC)
SECOND = timedelta(seconds=1)
ODD = "\0a\0\ufdd0\ufdd00 \U0001f600 \\0 % :x ' \" \x1a\r\n\t "
VALUES = (
    False,
    True,
    None,
    0,
    -1,
    2**63 - 1,
    2**64,
    0.1,
    -1.5e-300,
    1e308,
    "",
    ODD,
    [],
    [[]],
    {},
    {"a": {"b": [None, {"c": False}]}},
)


def execution(subscriber: Subscriber | None = None) -> Execution:
    items = (
        *(Value(value) for value in VALUES),
        Value({"v": 1}, Format("application/json", "utf-8", {"type": "object"}), qualified=True),
        Reference("https://example.org/a?b=c", Format("image/tiff"), "title"),
    )
    return Execution(
        {"a": Occurrences(items, ("/inputs/a",) * len(items))},
        {"a": OutputRequest(Transmission.REFERENCE, Format("text/plain"))},
        ResponseForm.DOCUMENT,
        subscriber,
        0,
        "async",
        "title",
        "minimal",
    )


def whole(job_id: str, number: int, status: Status, text: str = ODD, **more: object) -> StoredJob:
    """A job that has everything that a job of this status can have; number: microseconds after `T1` of its creation."""
    created = T1 + timedelta(microseconds=number)
    begun, ended = status is not Status.ACCEPTED, status.final
    job = Job(
        job_id,
        "echo",
        status,
        created,
        created + SECOND * 3,
        created + SECOND if begun else None,
        created + SECOND * 3 if ended else None,
        42,
        text,
        2,
        3 + number % 5,
        2,
        "host/1" if begun else None,
        "parent",
        text,
        "https://example.org/",
        "gpu",
    )
    outcome: dict = {}
    if status is Status.SUCCESSFUL:
        results = (
            Result("a", 2**70, size_bytes=21),
            Result("b", None, "/x/b/f.tif", Format("image/tiff"), 5, 0),
            Result("c", False),
        )
        outcome = {"results": results, "statistics": {"cpuSeconds": 0.5, "bytesIn": {"a": 2**40}}}
    if status is Status.FAILED:
        outcome = {"error": InvalidInput(text, faults=[Fault("/inputs/a", "why")]), "traceback": text * 9 or None}
    documents = JobDocuments(
        execution(Subscriber("http://s", "http://p", "http://f")), **outcome, followers=(Follower("next", execution()),)
    )
    log = tuple(
        LogEntry(created + SECOND, logging.WARNING, text, percent, line)
        for line, percent in ((1, None), (2, 40), (5, 0))
    )
    callbacks = (
        (
            WaitingCallback("inProgress", "http://p", 0, created),
            WaitingCallback("success", "http://s", 3, created + SECOND),
        )
        if begun
        else ()
    )
    steps = (
        (
            Step(
                1,
                text or "step",
                StepStatus.SUCCESSFUL,
                created,
                created + SECOND,
                text,
                0,
                text,
                0.1,
                2**40,
                (text, ""),
            ),
            Step(3, "other", StepStatus.RUNNING),
        )
        if begun
        else ()
    )
    lease = created + SECOND * 60 if status is Status.RUNNING else None
    return StoredJob(
        **{
            "job": job,
            "documents": documents,
            "place": number - 7,
            "lease": lease,
            "log": log,
            "callbacks": callbacks,
            "steps": steps,
        }
        | more
    )


def varied() -> list[StoredJob]:
    """A job of each status, two created at the same moment, one bare, one from before a loss: oldest first."""
    jobs = [whole(f"job-{number}", number // 2, status) for number, status in enumerate([*Status, Status.ACCEPTED])]
    bare = StoredJob(Job("bare", "p", Status.DISMISSED, T1 - SECOND, T1), JobDocuments(), 0)
    failed = StoredJob(Job("Bare", "p", Status.FAILED, T1 - SECOND, T1), JobDocuments(error=RunFailed("x")), -1)
    return sorted([*jobs, bare, failed], key=lambda one: one.job.key)


def digests(stored: list[StoredJob]) -> list[tuple[str, str]]:
    return [(one.job.id, digest_of(one).hex()) for one in stored]


class TransferContract:
    """export and put."""

    def test_whole_jobs_come_out_as_they_went_in(self, jobs: JobStore) -> None:
        put = varied()
        jobs.put(put)
        out = jobs.export(None, 100)
        assert [(one.job, one.place, one.lease, one.log, one.callbacks, one.steps) for one in out] == [
            (one.job, one.place, one.lease, one.log, one.callbacks, one.steps) for one in put
        ]
        assert digests(out) == digests(put)
        assert jobs.get("job-2") == next(one.job for one in put if one.job.id == "job-2")

    def test_pages_of_whole_jobs_follow_each_other(self, jobs: JobStore) -> None:
        put = varied()
        jobs.put(put)
        seen: list[StoredJob] = []
        while page := jobs.export(seen[-1].job.key if seen else None, 3):
            assert len(page) <= 3
            seen += page
        assert digests(seen) == digests(put)

    def test_a_page_ends_where_jobs_are_large(self, jobs: JobStore) -> None:
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
            jobs.put([one])
        pages = []
        while page := jobs.export(pages[-1][-1].job.key if pages else None, 100):
            pages.append(page)
        assert [[one.job.id for one in page] for page in pages] == [["1", "2"], ["3"], ["4"], ["5"]]
        assert digests([one for page in pages for one in page]) == digests(put)

    def test_to_put_again_changes_nothing_and_to_put_another_replaces(self, jobs: JobStore) -> None:
        jobs.put([])
        jobs.put(varied())
        jobs.put(varied()[2:4])
        assert digests(jobs.export(None, 100)) == digests(varied())
        other = whole("job-1", 0, Status.SUCCESSFUL, "other", log=(), callbacks=(), steps=())
        jobs.put([other])
        assert digests([one for one in jobs.export(None, 100) if one.job.id == "job-1"]) == digests([other])
        assert jobs.read_log("job-1") == []
        assert jobs.find_steps("job-1") == []

    def test_jobs_that_came_from_elsewhere_go_on(self, jobs: JobStore) -> None:
        """The queue, leases, logs and callbacks work as if the jobs had been made here."""
        first = whole("1", 9, Status.ACCEPTED, place=5)
        jobs.put(
            [
                first,
                whole("2", 8, Status.ACCEPTED, place=6),
                whole("3", 7, Status.RUNNING),
                whole("4", 6, Status.SUCCESSFUL),
            ]
        )
        assert [job.id for job in jobs.find_lost(T1 + SECOND * 3600)] == ["3"]
        claim = jobs.claim_next("w", T1 + SECOND, "gpu")
        assert (claim.job.id, claim.job.attempt, claim.execution) == (
            "1",
            first.job.attempt + 1,
            first.documents.execution,
        )
        assert jobs.move("1", Status.SUCCESSFUL, attempt=claim.job.attempt, entries=[LogEntry(T1, logging.INFO, "end")])
        assert jobs.read_log("1")[-1].number == 6
        far = datetime(2100, 1, 1, tzinfo=UTC)
        told = jobs.take_callbacks(far, far + SECOND, 99)
        assert sorted((callback.job_id, callback.kind, callback.attempts) for callback in told) == [
            ("1", "success", 0),
            ("3", "inProgress", 0),
            ("3", "success", 3),
            ("4", "inProgress", 0),
            ("4", "success", 3),
        ]
        assert jobs.delete("4")
        assert [job.id for job in jobs.find(JobFilter()).jobs] == ["1", "2", "3"]
