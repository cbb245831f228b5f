"""Application packages: a deployed `echo` tool, its deployment, a scattered
workflow, and the memory of their workers."""

import json
import statistics
import subprocess
import time

import psutil

from tests.bench.client import ASYNC, Client, Plan, folder, helper, serving
from tests.bench.process_memory import pss_bytes, tree
from tests.bench.report import Bar, Row, timed_row

_FORK = "bare forked child"
_BURST = 60
TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "echo",
    "inputs": {"message": {"type": "string", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
    "stdout": "out.txt",
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"messages": "string[]"},
    "outputs": {"out": {"type": "File[]", "outputSource": "echo/out"}},
    "steps": {"echo": {"run": TOOL, "scatter": "message", "in": {"message": "messages"}, "out": ["out"]}},
}
#: Inputs of a tool that takes many files.
_FILES = 100
_BODY = json.dumps({"inputs": {"message": "x"}}).encode()
_PATH = "/processes/echo-tool/execution"


def deploy(client: Client, name: str, document: dict) -> float:
    """Seconds of one deployment."""
    began = time.perf_counter()
    status, body = client.request(
        "POST", f"/processes?id={name}", json.dumps(document).encode(), {"Content-Type": "application/cwl+json"}
    )
    if status != 201:
        raise RuntimeError(f"the deployment answered {status}: {body[:300]!r}")
    return time.perf_counter() - began


def takes_files(count: int) -> dict:
    """A tool with so many inputs, each of them a file."""
    names = [f"file{number}" for number in range(count)]
    return TOOL | {"baseCommand": "true", "inputs": {name: {"type": "File", "inputBinding": {}} for name in names}}


def given_files(count: int) -> bytes:
    files = {
        f"file{number}": {"class": "File", "basename": f"{number}.txt", "contents": "x"} for number in range(count)
    }
    return json.dumps({"inputs": files}).encode()


def synchronous(client: Client, path: str = _PATH, body: bytes = _BODY) -> float:
    """Seconds of one synchronous execution."""
    began = time.perf_counter()
    status, body = client.request("POST", path, body)
    if status != 200:
        raise RuntimeError(f"the tool answered {status}: {body[:300]!r}")
    return time.perf_counter() - began


def asynchronous(client: Client) -> float:
    """Seconds from the submission to a status document that says successful."""
    began = time.perf_counter()
    _, body = client.request("POST", _PATH, _BODY, ASYNC)
    client.wait(json.loads(body)["jobID"])
    return time.perf_counter() - began


def burst(client: Client) -> float:
    """Jobs a second."""
    began = time.perf_counter()
    for _ in range(_BURST):
        client.submit("echo-tool", {"message": "x"})
    client.wait_until_idle()
    return _BURST / (time.perf_counter() - began)


def scattered(client: Client) -> float:
    """Seconds of a workflow of 20 scattered steps."""
    began = time.perf_counter()
    client.wait(client.submit("scattered", {"messages": [str(number) for number in range(20)]}))
    return time.perf_counter() - began


def worker_pss(server: int) -> int:
    """PSS in bytes of the larger of two workers with its zygote and the child that stands by."""
    below = psutil.Process(server).children(recursive=True)
    named = [
        [process.pid for process in below if process.name() in (f"wl-worker-{number}", f"wl-zygote-{number}")]
        for number in (1, 2)
    ]
    return max(sum(pss_bytes(pid) for member in members for pid in tree(member)) for members in named)


def bare_forks(process: subprocess.Popen, count: int) -> list[float]:
    """Seconds of `count` bare forked children."""
    print(count, file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())


def measure(plan: Plan) -> list[Row]:
    """The same for commands in bubblewrap, and for bare ones."""
    rows = []
    for kind, limit_ms in (("bubblewrap", 120), ("none", 80)):
        waits, syncs, forks, rates, deploys, scatters = [], [], [], [], [], []
        files: dict[int, list[float]] = {1: [], _FILES: []}
        with folder() as data, serving(data, f"sandbox.kind={kind}") as served, helper("bare_fork") as forker:
            client = Client(served.url)
            deploy(client, "echo-tool", TOOL)
            deploy(client, "scattered", WORKFLOW)
            for count in files:
                deploy(client, f"files-{count}", takes_files(count))
            for _ in range(10):
                asynchronous(client)
            for number in range(plan.times(10)):
                syncs += [synchronous(client) for _ in range(5)]
                forks += bare_forks(forker, 10)
                waits += [asynchronous(client) for _ in range(5)]
                for count, times in files.items():
                    times.append(synchronous(client, f"/processes/files-{count}/execution", given_files(count)))
                deploys.append(deploy(client, f"tool-{number}", TOOL))
            rates = [burst(client) for _ in range(plan.times(5))]
            scatters = [scattered(client) for _ in range(plan.times(5))]
            time.sleep(1)  # until the next children stand by
            memory = worker_pss(served.process.pid)
            client.close()
        rows += [
            timed_row(f"package, {kind}: async, submit to successful", waits, forks, _FORK, Bar(limit_ms)),
            timed_row(f"package, {kind}: sync", syncs, forks, _FORK, Bar(100)),
            Row(
                f"package, {kind}: {_FILES} files more than one",
                1000 * (statistics.median(files[_FILES]) - statistics.median(files[1])),
                "ms",
                bar=Bar(150),
                how=f"p50 of both; one: {1000 * statistics.median(files[1]):.0f} ms, n={len(files[1])}",
            ),
            Row(
                f"package, {kind}: burst of {_BURST} jobs, two workers",
                statistics.median(rates),
                "jobs/s",
                bar=Bar(15, at_least=True),
                how=f"p50; least {min(rates):.0f}, n={len(rates)}",
            ),
            timed_row(f"package, {kind}: deployment of a tool, warm", deploys, forks, _FORK, Bar(150)),
            timed_row(f"package, {kind}: workflow of 20 scattered steps", scatters, forks, _FORK, Bar(2000)),
            Row(
                f"package, {kind}: PSS of a worker with CWL",
                memory / 2**20,
                "MB",
                bar=Bar(120),
                how="worker, zygote, child that stands by",
            ),
        ]
    return rows
