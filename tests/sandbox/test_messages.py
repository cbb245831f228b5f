"""Messages between worker, zygote and child arrive as they were sent; nonsense from a child hurts only its own job."""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.plugin_makers import source, still_works
from weaver_like.domain.codec import Codec, MessageError
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.messages import (
    Blame,
    DescribeProcess,
    DocumentFetched,
    Done,
    Failed,
    FetchBeside,
    FetchDocument,
    FileFetched,
    InputFile,
    InputReference,
    InputValue,
    Inspected,
    JobAccepted,
    JobEnded,
    LogLine,
    OutputArray,
    OutputFile,
    OutputValue,
    ProcessDescribed,
    Progress,
    RequestRefused,
    RunProcess,
    StepChange,
    SubmitJobs,
    WantedJob,
)
from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.engines.base import ClosePolicy
from weaver_like.engines.messages import (
    FROM_WORKER,
    TO_WORKER,
    Cancel,
    Greeting,
    Idle,
    JobNews,
    JobSubmitted,
    Stop,
    Wake,
)
from weaver_like.sandbox.messages import (
    FROM_CHILD,
    FROM_ZYGOTE,
    TO_CHILD,
    TO_NURSERY,
    TO_ZYGOTE,
    ChildEnded,
    ChildExit,
    ChildLimits,
    ChildRequest,
    ChildStarted,
    CommandGroup,
    ForkChild,
    ForkMember,
    InspectPackage,
    ParseTexts,
    PrepareTarget,
    ReuseFolder,
    RunJob,
    SignalChild,
    SignalMember,
    WarmModules,
)
from weaver_like.sandbox.wire import MAX_BYTES, Wire, WireError

INPUTS = {
    "a": (InputValue(None), InputValue({"kind": "file", "path": "/etc/passwd"}, "application/json", "utf-8")),
    "b": (InputFile("/w/b.tif", "image/tiff"), InputReference("http://x/y", None)),
    "c": (),
}
OUTPUTS = {
    "a": OutputValue([1, {"x": None}], ((0, "x"), ())),
    "b": OutputFile("out.bin", None, "http://edamontology.org/format_1"),
    "c": OutputArray((OutputFile("1"), OutputValue(False))),
}
STEP = Step(3, "a/b", StepStatus.RUNNING, datetime(2024, 1, 1, tzinfo=UTC), tail=("x",))
JOB = RunJob(
    "job",
    "echo",
    {"module": "m", "digest": "d"},
    {"cores": 1.5},
    INPUTS,
    {"a": None, "b": "image/tiff"},
    ReuseFolder("/reuse", 2**40),
    CommandGroup(("/sys/fs/cgroup/x",), 40, 2**30, 0.5),
)
#: Each family, and every message of it.
FAMILIES: list[tuple[Codec[Any], list[object]]] = [
    (
        TO_NURSERY,
        [
            ForkMember("m", "wl-worker-1", 4, linked=True),
            ForkMember("m", "wl-zygote", 2, warm=("a.b", "c"), folder="/work", environment={"PATH": "/bin"}),
            WarmModules(("a", "b.c")),
            SignalMember(5, 9),
        ],
    ),
    (TO_ZYGOTE, [ForkChild(), SignalChild(15), PrepareTarget("m", {"digest": "d"})]),
    (
        FROM_ZYGOTE,
        [ChildStarted(5), ChildEnded(5, ChildExit(None, 9, 0.25, 2**33)), ChildEnded(5, ChildExit(0, None, 0, 0))],
    ),
    (
        TO_CHILD,
        [
            ChildRequest("m", "/w", JOB, ChildLimits(1, 2, 3)),
            ChildRequest("m", "/w", InspectPackage({"a.cwl": "eA=="}, "a.cwl", ("*",), "")),
            ChildRequest("m", "/w", ParseTexts({"a": "eA=="})),
            JobAccepted("j"),
            FileFetched(True),
            DocumentFetched("text"),
            ProcessDescribed(
                "echo",
                "1",
                datetime(2024, 1, 1, tzinfo=UTC),
                (InputDescription("a", {"type": "string"}, max_occurs=None),),
                (OutputDescription("b", {}),),
                ("greet",),
            ),
            JobEnded("j", OUTPUTS),
            JobEnded("j", {}, "failed"),
            RequestRefused("no"),
        ],
    ),
    (
        FROM_CHILD,
        [
            Progress(5),
            Progress(100, "all"),
            LogLine("x", 30),
            StepChange(STEP),
            Done(OUTPUTS),
            Failed("x", "trace", Blame("a", "wrong"), out_of_memory=True),
            Failed("x"),
            Inspected({"processes": []}),
            SubmitJobs((WantedJob("echo", {"message": "x"}), WantedJob("fail", {})), 2),
            FetchBeside("/w/x.idx"),
            FetchDocument("http://x/y.cwl"),
            DescribeProcess("echo:1"),
            RunProcess(STEP, "echo", None, None, OUTPUTS),
        ],
    ),
    (
        TO_WORKER,
        [
            Greeting("e/1/", 1, {"log.level": "INFO"}, {"PATH": "/bin"}, "/srv"),
            Wake(5),
            Cancel("j"),
            Stop(ClosePolicy.JOIN),
        ],
    ),
    (FROM_WORKER, [Idle(5), JobSubmitted("j"), JobNews(StatusChanged("j", Status.RUNNING))]),
]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize(
    ("codec", "message"),
    [(codec, message) for codec, messages in FAMILIES for message in messages],
    ids=lambda value: "" if isinstance(value, Codec) else type(value).__name__,
)
def test_a_message_arrives_as_it_was_sent(
    pair: tuple[socket.socket, socket.socket], codec: Codec[Any], message: object
) -> None:
    Wire(pair[0], codec, codec).send(message)
    assert Wire(pair[1], codec, codec).receive() == message


def test_several_messages_come_in_order_however_they_are_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = Wire(pair[0], FROM_CHILD, TO_CHILD), Wire(pair[1], TO_CHILD, FROM_CHILD)
    data = b"".join(sender.encode(LogLine(f"line {number}")) for number in range(20))
    received = []
    for start in range(0, len(data), 7):
        pair[0].sendall(data[start : start + 7])
        receiver.fill()
        received += receiver.messages()
    assert received == [LogLine(f"line {number}") for number in range(20)]
    pair[0].close()
    assert receiver.receive() is None


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused_before_they_are_sent(
    pair: tuple[socket.socket, socket.socket], number: float
) -> None:
    wire = Wire(pair[0], FROM_CHILD, TO_CHILD)
    with pytest.raises(ValueError, match="JSON"):
        wire.send(Done({"a": OutputValue(number)}))


def framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (struct.pack("!I", MAX_BYTES + 1), WireError),
        (framed(b"{"), WireError),
        (framed(b"\xff"), WireError),
        (framed(b"[" * 100_000), WireError),
        (framed(b'{"kind": "done", "outputs": ' + b"9" * 5000 + b"}"), WireError),
        (framed(b"[1]"), MessageError),
        (framed(b'{"kind": "done"}'), MessageError),
        (framed(b'{"kind": "done", "outputs": {"a": {"kind": "file", "path": 5}}}'), MessageError),
        (framed(b'{"kind": "progress", "percent": "x"}'), MessageError),
        (framed(b'{"kind": "failed", "detail": "x", "blame": {"input": 5}}'), MessageError),
    ],
    ids=["too large", "no JSON", "no UTF-8", "deep", "long number", "array", "missing", "nested", "type", "blame"],
)
def test_nonsense_is_refused(pair: tuple[socket.socket, socket.socket], data: bytes, error: type[Exception]) -> None:
    pair[0].sendall(data)
    with pytest.raises(error):
        Wire(pair[1], TO_CHILD, FROM_CHILD).receive()


def test_half_a_character_becomes_a_question_mark(pair: tuple[socket.socket, socket.socket]) -> None:
    Wire(pair[0], FROM_CHILD, TO_CHILD).send(LogLine("a\ud800b"))
    assert Wire(pair[1], TO_CHILD, FROM_CHILD).receive() == LogLine("a?b")


def test_file_descriptors_of_a_child_do_not_pile_up(pair: tuple[socket.socket, socket.socket]) -> None:
    """It could take all of the worker's otherwise."""
    receiver = Wire(pair[1], TO_CHILD, FROM_CHILD)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        Wire(pair[0], FROM_CHILD, TO_CHILD).send(LogLine("x"), [0, 1])
        assert receiver.receive() == LogLine("x")
    assert len(os.listdir("/proc/self/fd")) == before
    assert receiver.descriptors == []


@pytest.fixture
def attack(make_app: Callable[..., TestApp], tmp_path: Path) -> Callable[..., dict]:
    """Has a child write something to its worker; the status of its job."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "hostile.py").write_text(source("hostile"))
    app = make_app(f"plugins.folders={tmp_path / 'plugins'}", "engine.workers=1")

    def attack(text: str, framed: bool = True) -> dict:
        status = finished(app, submit(app, "hostile", {"text": text, "framed": framed}))
        still_works(app)
        return status

    return attack


@pytest.mark.parametrize(
    ("text", "framed"),
    [
        ("{", True),
        ("[]", True),
        ("\xff\xff\xff\xff", False),
        ("[" * 50_000, True),
        ('{"kind":"done","outputs":5}', True),
        ('{"kind":"done","outputs":{"output":{"kind":"value","value":1,"files":[["x"]]}}}', True),
        ('{"kind":"progress","percent":null}', True),
        ('{"kind":"submit","steps":[{"process_id":5,"inputs":{}}]}', True),
        ('{"kind":"failed","detail":{}}', True),
    ],
    ids=["no JSON", "array", "too large", "deep", "done", "files", "progress", "submit", "failed"],
)
def test_a_child_that_sends_nonsense_fails_and_its_worker_goes_on(
    attack: Callable[..., dict], text: str, framed: bool
) -> None:
    assert attack(text, framed)["status"] == "failed"


@pytest.mark.parametrize("text", ["{}", '{"kind":"news"}', '{"kind":"step","step":{"number":0}}'])
def test_what_a_worker_need_not_hear_is_passed_over(attack: Callable[..., dict], text: str) -> None:
    assert attack(text)["status"] == "successful"
