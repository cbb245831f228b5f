"""What a store of the release before owners holds: rows as they were written, and what they mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from weaver_like.domain.errors import Fault, InvalidInput
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.job import Follower, Job, JobDocuments, LogEntry, StoredJob, WaitingCallback
from weaver_like.domain.package import Package, Revision
from weaver_like.domain.process import ExecutionUnit, InputDescription, OutputDescription, Process
from weaver_like.domain.results import Result
from weaver_like.domain.schedule import Schedule
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.domain.values import Occurrences, Reference, Value

T0, SECOND = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), timedelta(seconds=1)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
_T0, _SECOND, _FAR = 1767323045678901, 10**6, 4102444800000000
HOURLY, DAILY = "5c5e1c33-6b5e-4f6f-9a55-0d6f3f3f9a01", "5c5e1c33-6b5e-4f6f-9a55-0d6f3f3f9a02"
#: More than a document of MongoDB holds by itself.
LARGE = "x" * 20000

# The rows.

_FULL = (
    '{"inputs":{"name":["Zoë ☃"],"n":[1180591620717411303424,null,{"href":"https://example.org/a","type":"image/tiff",'
    '"title":"t"}]},"outputs":{"greeting":{"transmissionMode":"reference","format":{"mediaType":"text/plain"}}},'
    '"subscriber":["http://s/ok","http://s/now","http://s/bad"],"response":"document","priority":0,"mode":"async",'
    '"title":"Títle","return":"minimal"}'
).encode()
_SUBSCRIBER = b'["http://s/ok","http://s/bad"]'


def _job(job_id: str, number: int, status: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"id": job_id, "process": "greet", "status": status}
    row |= {
        "created": _T0 + number * _SECOND,
        "updated": _T0 + (number + 5) * _SECOND,
        "started": None,
        "finished": None,
    }
    row |= {"progress": 0, "message": "", "priority": 1, "place": 110 + number, "attempt": 0, "losses": 0}
    row |= {"worker": None, "lease": None, "parent": None, "title": None, "base_url": "http://x", "queue": "default"}
    return row | more


def _documents(job_id: str, execution: bytes, **more: Any) -> dict[str, Any]:
    names = ("subscriber", "followers", "results", "error", "traceback", "statistics")
    return {"job": job_id, "execution": execution} | dict.fromkeys(names) | more


def _micros(seconds: int) -> int:
    return _T0 + seconds * _SECOND


JOB_ROWS = [
    _job("waits", 1, "accepted", title="Títle ☃"),
    _job("urgent", 2, "accepted", priority=0, place=100, parent=HOURLY, queue="gpu"),
    _job("lost", 3, "running", started=_micros(4), progress=40, message="forty", attempt=2, losses=1)
    | {"worker": "host/1", "lease": _micros(60)},
    _job("runs", 4, "running", started=_micros(5), attempt=1, worker="host/2", lease=_FAR),
    _job("done", 5, "successful", started=_micros(6), finished=_micros(10), progress=100, attempt=1, worker="host/1"),
    _job("failed", 6, "failed", started=_micros(7), finished=_micros(11), message="bad", attempt=1, worker="host/1"),
    _job("dismissed", 7, "dismissed", finished=_micros(11)),
]
DOCUMENT_ROWS = [
    _documents("waits", _FULL, subscriber=_SUBSCRIBER, followers=b'[["echo",{"inputs":{"name":["next"]}}]]'),
    _documents("urgent", b'{"inputs":{"name":["' + LARGE.encode() + b'"]}}'),
    _documents("lost", _FULL, subscriber=_SUBSCRIBER),
    _documents("runs", b'{"inputs":{"name":["a"]}}'),
    _documents("done", _FULL, subscriber=_SUBSCRIBER, statistics=b'{"cpuSeconds":0.5}')
    | {
        "results": b'[{"output":"greeting","value":"Hello","path":null,"format":{},"size":0,"index":null,'
        b'"references":[]},{"output":"file","value":null,"path":"/done/file/a.tif","format":{"mediaType":"image/tiff"},'
        b'"size":5,"index":0,"references":[[0,"href"]]}]'
    },
    _documents("failed", b'{"inputs":{"name":["b"]}}', traceback="Traceback: x")
    | {"error": '{"name":"InvalidInput","detail":"bad ☃","faults":[["/inputs/name","why"]]}'.encode()},
    _documents("dismissed", b'{"inputs":{"name":["c"]}}'),
]
LOG_ROWS = [
    {"job": "lost", "number": 1, "at": _micros(4), "level": 20, "percent": None, "message": "begun"},
    {"job": "lost", "number": 2, "at": _micros(5), "level": 30, "percent": 40, "message": "forty ☃"},
    {"job": "done", "number": 1, "at": _micros(10), "level": 20, "percent": 100, "message": "successful after 4 s"},
]
_CROPPED = (
    b'{"number":1,"name":"crop","status":"successful","started":"2026-01-02T03:04:05.678901+00:00","finished":'
    b'"2026-01-02T03:04:06.678901+00:00","command":"gdalwarp a b","exit":0,"cpu":0.5,"peak":1073741824,"tail":["done"]}'
)
_SUMMING = b'{"number":2,"name":"sum","status":"running","started":"2026-01-02T03:04:05.678901+00:00"}'
STEP_ROWS = [
    {"job": "lost", "number": 1, "attempt": 2, "document": _CROPPED},
    {"job": "lost", "number": 2, "attempt": 2, "document": _SUMMING},
    {"job": "done", "number": 1, "attempt": 1, "document": _CROPPED},
]
CALLBACK_ROWS = [
    {"job": "lost", "kind": "inProgress", "uri": "http://s/now", "attempts": 1, "due": _micros(9)},
    {"job": "done", "kind": "success", "uri": "http://s/ok", "attempts": 2, "due": _micros(11)},
]
SCHEDULE_ROWS = [
    {"id": HOURLY, "process": "greet", "cron": "0 * * * *", "time_zone": "Europe/Berlin", "base_url": "http://x"}
    | {"execution": b'{"inputs":{"name":["s"]}}', "created": _T0, "due": _micros(100), "fired": _micros(-1)}
    | {"job": "urgent", "failure": None},
    {"id": DAILY, "process": "echo", "cron": "@daily", "time_zone": "UTC", "base_url": ""}
    | {"execution": b'{"inputs":{"name":["s2"]}}', "created": _micros(1), "due": _FAR, "fired": None}
    | {"job": None, "failure": "why ☃"},
]


def _description(version: str) -> bytes:
    about = {"title": None, "description": None, "keywords": [], "metadata": []}
    given = {"a": {"id": "a", "schema": {"type": "string"}, **about, "min_occurs": 0, "max_occurs": None}}
    document = {
        "id": "crop",
        "version": version,
        "unit": {"runner": "cwl", "target": {"cwlVersion": "v1.2"}, "time_limit_s": 1.5, "memory_limit_bytes": 2**33}
        | {"queue": "gpu"},
        **about,
        "title": "Crop ☃",
        "job_control": ["sync-execute", "async-execute", "dismiss"],
        "inputs": given,
        "outputs": {"b": {"id": "b", "schema": {"type": "string"}, **about}},
        "mutable": True,
        "deployed": None,
    }
    return json.dumps(document, ensure_ascii=False).encode()


_PACKAGE = b'{"cwlVersion": "v1.2"}\xff'
REVISION_ROWS = [
    {"process": "crop", "version": version, "deployed": _micros(number), "media_type": "application/cwl+json"}
    | {"description": _description(version), "package": _PACKAGE}
    for number, version in enumerate(("1.0.0", "2.0.0"))
]

# What they mean.


def execution(name: str) -> Execution:
    return Execution({"name": Occurrences((Value(name),), ("/inputs/name",))})


_NUMBERS = (Value(2**70), Value(None), Reference("https://example.org/a", Format("image/tiff"), "t"))
_EXECUTION = Execution(
    execution("Zoë ☃").inputs | {"n": Occurrences(_NUMBERS, ("/inputs/n",) * 3)},
    {"greeting": OutputRequest(Transmission.REFERENCE, Format("text/plain"))},
    ResponseForm.DOCUMENT,
    Subscriber("http://s/ok", "http://s/now", "http://s/bad"),
    0,
    "async",
    "Títle",
    "minimal",
)
_STEPS = (
    Step(1, "crop", StepStatus.SUCCESSFUL, T0, T0 + SECOND, "gdalwarp a b", 0, "", 0.5, 2**30, ("done",)),
    Step(2, "sum", StepStatus.RUNNING, T0),
)


def _stored(job_id: str, number: int, status: Status, documents: JobDocuments, more: dict[str, Any]) -> StoredJob:
    whole = {"place": 110 + number} | {name: more.pop(name) for name in StoredJob.__slots__ if name in more}
    moments = {name: T0 + SECOND * more.pop(name) for name in ("started", "finished") if name in more}
    created, updated = T0 + SECOND * number, T0 + SECOND * (number + 5)
    job = Job(job_id, "greet", status, created, updated, **moments, base_url="http://x", **more)
    return StoredJob(job, documents, **whole)


#: Oldest first.
STORED = [
    _stored(
        "waits",
        1,
        Status.ACCEPTED,
        JobDocuments(_EXECUTION, followers=(Follower("echo", execution("next")),)),
        {"title": "Títle ☃"},
    ),
    _stored(
        "urgent",
        2,
        Status.ACCEPTED,
        JobDocuments(execution(LARGE)),
        {"priority": 0, "place": 100, "parent_id": HOURLY, "queue": "gpu"},
    ),
    _stored(
        "lost",
        3,
        Status.RUNNING,
        JobDocuments(_EXECUTION),
        {"started": 4, "progress": 40, "message": "forty", "attempt": 2, "losses": 1, "worker": "host/1"}
        | {"lease": T0 + SECOND * 60, "steps": _STEPS}
        | {"log": (LogEntry(T0 + SECOND * 4, 20, "begun", None, 1), LogEntry(T0 + SECOND * 5, 30, "forty ☃", 40, 2))}
        | {"callbacks": (WaitingCallback("inProgress", "http://s/now", 1, T0 + SECOND * 9),)},
    ),
    _stored(
        "runs",
        4,
        Status.RUNNING,
        JobDocuments(execution("a")),
        {"started": 5, "attempt": 1, "worker": "host/2", "lease": FAR},
    ),
    _stored(
        "done",
        5,
        Status.SUCCESSFUL,
        JobDocuments(
            _EXECUTION,
            (
                Result("greeting", "Hello"),
                Result("file", None, "/done/file/a.tif", Format("image/tiff"), 5, 0, ((0, "href"),)),
            ),
            statistics={"cpuSeconds": 0.5},
        ),
        {"started": 6, "finished": 10, "progress": 100, "attempt": 1, "worker": "host/1", "steps": _STEPS[:1]}
        | {"log": (LogEntry(T0 + SECOND * 10, 20, "successful after 4 s", 100, 1),)}
        | {"callbacks": (WaitingCallback("success", "http://s/ok", 2, T0 + SECOND * 11),)},
    ),
    _stored(
        "failed",
        6,
        Status.FAILED,
        JobDocuments(
            execution("b"),
            error=InvalidInput("bad ☃", faults=[Fault("/inputs/name", "why")]),
            traceback="Traceback: x",
        ),
        {"started": 7, "finished": 11, "message": "bad", "attempt": 1, "worker": "host/1"},
    ),
    _stored("dismissed", 7, Status.DISMISSED, JobDocuments(execution("c")), {"finished": 11}),
]
#: Newest first.
SCHEDULES = [
    Schedule(DAILY, "echo", "@daily", "UTC", execution("s2"), T0 + SECOND, FAR, failure="why ☃"),
    Schedule(
        HOURLY,
        "greet",
        "0 * * * *",
        "Europe/Berlin",
        execution("s"),
        T0,
        T0 + SECOND * 100,
        last_fired=T0 - SECOND,
        last_job_id="urgent",
        base_url="http://x",
    ),
]
REVISIONS = [
    Revision(
        Process(
            "crop",
            version,
            ExecutionUnit("cwl", {"cwlVersion": "v1.2"}, 1.5, 2**33, "gpu"),
            title="Crop ☃",
            inputs={"a": InputDescription("a", {"type": "string"}, min_occurs=0, max_occurs=None)},
            outputs={"b": OutputDescription("b", {"type": "string"})},
            mutable=True,
        ),
        Package("application/cwl+json", _PACKAGE),
        T0 + SECOND * number,
    )
    for number, version in enumerate(("1.0.0", "2.0.0"))
]
