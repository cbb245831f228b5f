"""Whole jobs, as `store copy` moves them."""

import logging
from datetime import UTC, datetime, timedelta

from weaver_like.domain.errors import Fault, InvalidInput, RunFailed
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.followed import FollowedRun
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Follower, Job, JobDocuments, LogEntry, StoredJob, WaitingCallback
from weaver_like.domain.requester import PUBLIC, group_visibility
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.domain.values import Occurrences, Reference, Value
from weaver_like.jobs.copy import digest_of

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
    begun = status is not Status.ACCEPTED
    parts = {
        "job": _job(job_id, number, status, text),
        "documents": _documents(status, text),
        "place": number - 7,
        "lease": created + SECOND * 60 if status is Status.RUNNING else None,
        "log": tuple(
            LogEntry(created + SECOND, logging.WARNING, text, percent, line)
            for line, percent in ((1, None), (2, 40), (5, 0))
        ),
        "callbacks": _callbacks(created) if begun else (),
        "steps": _steps(created, text) if begun else (),
        "run": FollowedRun(job_id, "kind", 2, created, text, created + SECOND) if begun else None,
    }
    return StoredJob(**(parts | more))


def _job(job_id: str, number: int, status: Status, text: str) -> Job:
    created = T1 + timedelta(microseconds=number)
    begun = status is not Status.ACCEPTED
    return Job(
        job_id,
        "echo",
        status,
        created,
        created + SECOND * 3,
        created + SECOND if begun else None,
        created + SECOND * 3 if status.final else None,
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
        "alice" if begun else "",
        group_visibility(text) if begun else PUBLIC,
    )


def _documents(status: Status, text: str) -> JobDocuments:
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
    subscribed = execution(Subscriber("http://s", "http://p", "http://f"))
    return JobDocuments(subscribed, **outcome, followers=(Follower("next", execution()),))


def _callbacks(created: datetime) -> tuple[WaitingCallback, ...]:
    return (
        WaitingCallback("inProgress", "http://p", 0, created),
        WaitingCallback("success", "http://s", 3, created + SECOND),
    )


def _steps(created: datetime, text: str) -> tuple[Step, ...]:
    name, ended = text or "step", created + SECOND
    return (
        Step(1, name, StepStatus.SUCCESSFUL, created, ended, text, 0, text, 0.1, 2**40, (text, "")),
        Step(3, "other", StepStatus.RUNNING),
    )


def varied() -> list[StoredJob]:
    """A job of each status, two created at the same moment, one bare, one from before a loss: oldest first."""
    jobs = [whole(f"job-{number}", number // 2, status) for number, status in enumerate([*Status, Status.ACCEPTED])]
    bare = StoredJob(Job("bare", "p", Status.DISMISSED, T1 - SECOND, T1), JobDocuments(), 0)
    failed = StoredJob(Job("Bare", "p", Status.FAILED, T1 - SECOND, T1), JobDocuments(error=RunFailed("x")), -1)
    return sorted([*jobs, bare, failed], key=lambda one: one.job.key)


def digests(stored: list[StoredJob]) -> list[tuple[str, str]]:
    return [(one.job.id, digest_of(one).hex()) for one in stored]
