"""The product beside another installation of it, in one run: `--against FOLDER` names a checkout with its own `.venv`.

Rounds of both take turns on servers that run at the same time, one idle while the other is measured.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench import latency, packages
from tests.bench.client import ASYNC, ECHO, ECHO_PATH, Client, Plan, folder, serving
from tests.bench.process_memory import pss_bytes, tree
from tests.bench.report import Bar, Row
from tests.bench.views import cpu_us

_BAR = Bar(1.05, of_ratio=True)
#: Of rates: more is better.
_RATE_BAR = Bar(1 / 1.05, at_least=True, of_ratio=True)
_VIEWS = ("/", "/processes", "/processes/echo", "/jobs/{id}", "/jobs?limit=10", "/conformance")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two installations, serving."""

    pid: int
    client: Client
    job_id: str

    def path(self, view: str) -> str:
        return view.replace("{id}", self.job_id)


def measure(plan: Plan) -> list[Row]:
    """Raises: RuntimeError, without `--against`."""
    if plan.against is None:
        raise RuntimeError("nothing to compare with: --against FOLDER names a checkout with a .venv of its own")
    program = plan.against / ".venv" / "bin" / "weaver-like"
    with (
        folder() as ours,
        folder() as theirs,
        serving(ours) as new,
        serving(theirs, program=program) as old,
    ):
        sides = [_side(new.process.pid, new.url), _side(old.process.pid, old.url)]
        rows = [_memory(sides, "PSS of server and workers, after 20 echo jobs")]
        rows += _latencies(plan, sides)
        rows += _views(plan, sides)
        rows += _packages(plan, sides)
        rows.append(_memory(sides, "PSS of server and workers, after all rounds"))
    return [*rows, _starts(plan, program)]


def _side(pid: int, url: str) -> Side:
    client = Client(url)
    packages.deploy(client, "echo-tool", packages.TOOL)
    packages.deploy(client, "scattered", packages.WORKFLOW)
    for _ in range(20):
        client.request("POST", ECHO_PATH, ECHO, ASYNC)
    client.wait_until_idle()
    job_id = json.loads(client.get("/jobs?limit=1"))["jobs"][0]["jobID"]
    return Side(pid, client, job_id)


def _turns(plan: Plan, sides: list[Side], rounds: int, count: int, one: Callable[[Client], float]) -> list[list[float]]:
    """What each side took, round by round: the side that begins changes."""
    found: list[list[float]] = [[], []]
    for number in range(plan.times(rounds)):
        for place in (0, 1) if number % 2 else (1, 0):
            found[place] += [one(sides[place].client) for _ in range(count)]
    return found


def _latencies(plan: Plan, sides: list[Side]) -> list[Row]:
    asynchronous = _turns(plan, sides, 20, 20, latency.async_echo)
    synchronous = _turns(plan, sides, 20, 20, latency.sync_echo)
    rates = _turns(plan, sides, 6, 1, latency.burst)
    return [
        _row("async echo, submit to successful", asynchronous, "ms", 1e3),
        _row("sync echo", synchronous, "ms", 1e3),
        _row("burst of 500 echo jobs", rates, "jobs/s", bar=_RATE_BAR),
    ]


def _views(plan: Plan, sides: list[Side]) -> list[Row]:
    rows = []
    for view in _VIEWS:
        found: list[list[float]] = [[], []]
        for number in range(plan.times(8)):
            for place in (0, 1) if number % 2 else (1, 0):
                side = sides[place]
                found[place].append(cpu_us(psutil.Process(side.pid), side.client, side.path(view), 500))
        rows.append(_row(f"CPU of GET {view}", found, "us"))
    return rows


def _packages(plan: Plan, sides: list[Side]) -> list[Row]:
    names = iter(range(10_000))
    for side in sides:
        for _ in range(6):
            packages.asynchronous(side.client)
    return [
        _row("CWL echo, sync", _turns(plan, sides, 12, 5, packages.synchronous), "ms", 1e3),
        _row("CWL echo, async", _turns(plan, sides, 12, 5, packages.asynchronous), "ms", 1e3),
        _row("workflow of 20 steps", _turns(plan, sides, 5, 1, packages.scattered), "ms", 1e3),
        _row(
            "deployment of a tool",
            _turns(plan, sides, 10, 1, lambda client: packages.deploy(client, f"tool-{next(names)}", packages.TOOL)),
            "ms",
            1e3,
        ),
    ]


def _memory(sides: list[Side], what: str) -> Row:
    new, old = (sum(pss_bytes(pid) for pid in tree(side.pid)) / 2**20 for side in sides)
    return Row(what, new, "MB", old, "before", _BAR)


def _starts(plan: Plan, program: Path) -> Row:
    def start(other: Path | None) -> float:
        began = time.perf_counter()
        with folder() as data, serving(data, program=other):
            return time.perf_counter() - began

    start(None)
    start(program)
    found: list[list[float]] = [[], []]
    for _ in range(plan.times(10)):
        found[0].append(start(None))
        found[1].append(start(program))
    return _row("start until the URL is printed", found, "s")


def _row(what: str, found: list[list[float]], unit: str, scale: float = 1, bar: Bar = _BAR) -> Row:
    new, old = (statistics.median(values) * scale for values in found)
    quickest = min(found[0]) * scale / (min(found[1]) * scale)
    return Row(what, new, unit, old, "before", bar, f"median of {len(found[0])}; ratio of the least {quickest:.2f}x")
