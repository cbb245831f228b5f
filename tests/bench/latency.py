"""Latency of echo jobs, and how many a burst of them get done."""

import json
import statistics
import subprocess
import time

from tests.bench.client import ASYNC, ECHO, ECHO_PATH, Client, Plan, folder, helper, serving
from tests.bench.report import Bar, Row, spread, timed_row

_FORK = "bare forked child"
_ROUND = 20
_BURST = 500


def sync_echo(client: Client) -> float:
    """Seconds of one synchronous echo."""
    began = time.perf_counter()
    status, body = client.request("POST", ECHO_PATH, ECHO)
    elapsed_s = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"echo answered {status}: {body[:300]!r}")
    return elapsed_s


def async_echo(client: Client) -> float:
    """Seconds from the submission of an echo job to a status document that says successful."""
    began = time.perf_counter()
    _, body = client.request("POST", ECHO_PATH, ECHO, ASYNC)
    client.wait(json.loads(body)["jobID"])
    return time.perf_counter() - began


def bare_forks(process: subprocess.Popen, count: int) -> list[float]:
    """Seconds of `count` bare forked children."""
    print(count, file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())


def burst(client: Client) -> float:
    """Jobs per second of `_BURST` echo jobs, from the first submission until none is left."""
    began = time.perf_counter()
    for _ in range(_BURST):
        status, body = client.request("POST", ECHO_PATH, ECHO, ASYNC)
        if status != 201:
            raise RuntimeError(f"a submission answered {status}: {body[:300]!r}")
    client.wait_until_idle()
    return _BURST / (time.perf_counter() - began)


def measure(plan: Plan) -> list[Row]:
    """Synchronous, asynchronous and bare rounds take turns; then bursts."""
    asynchronous, synchronous, forks, rates, fork_rates = [], [], [], [], []
    with folder() as data, serving(data) as served, helper("bare_fork") as forker:
        client = Client(served.url)
        for _ in range(_ROUND):
            sync_echo(client)
        for _ in range(plan.times(15)):
            synchronous += [sync_echo(client) for _ in range(_ROUND)]
            forks += bare_forks(forker, _ROUND)
            asynchronous += [async_echo(client) for _ in range(_ROUND)]
        for _ in range(plan.times(5)):
            rates.append(burst(client))
            bare = bare_forks(forker, 200)
            fork_rates.append(len(bare) / sum(bare))
        if json.loads(client.get("/jobs?limit=1&status=failed,dismissed"))["jobs"]:
            raise RuntimeError("an echo job was not successful")
        client.close()
    return [
        timed_row("async echo, submit to successful", asynchronous, forks, _FORK, Bar(30)),
        timed_row("sync echo", synchronous, forks, _FORK, Bar(20)),
        Row(
            f"burst of {_BURST} echo jobs, two workers",
            statistics.median(rates),
            "jobs/s",
            statistics.median(fork_rates),
            f"{_FORK}, one at a time",
            Bar(80, at_least=True),
            f"p50; least {min(rates):.0f}, n={len(rates)}",
        ),
        Row("bare forked child", statistics.median(forks) * 1e3, "ms", how=spread([value * 1e3 for value in forks])),
    ]
