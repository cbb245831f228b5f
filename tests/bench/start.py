"""How long a start takes, and what an idle server holds in memory."""

import statistics
import time

from tests.bench.client import ECHO, ECHO_PATH, Client, Plan, folder, helper, serving
from tests.bench.process_memory import pss_bytes, tree
from tests.bench.report import Bar, Row

_WORKERS = 2


def product_start() -> float:
    """Seconds from the start of the process, on an empty data folder, to the first 200 on /."""
    with folder() as data:
        began = time.perf_counter()
        with serving(data) as served:
            Client(served.url).get("/")
            return time.perf_counter() - began


def bare_start() -> float:
    """The same of the bare view."""
    began = time.perf_counter()
    with helper("bare_view") as bare:
        Client(bare.stdout.readline().strip()).get("/document/x")
        return time.perf_counter() - began


def idle_pss() -> tuple[int, int, int]:
    """PSS in bytes of server, workers and zygotes: soon after the start, and
    after jobs on both workers; number of processes."""
    with folder() as data, serving(data) as served:
        client = Client(served.url)
        time.sleep(3)
        if len(tree(served.process.pid)) < 1 + 2 * _WORKERS:
            raise RuntimeError("the workers and their zygotes did not start within 3 s")
        fresh = sum(pss_bytes(pid) for pid in tree(served.process.pid))
        for _ in range(20):
            client.request("POST", ECHO_PATH, ECHO, {"Prefer": "respond-async"})
        client.wait_until_idle()
        time.sleep(1)
        pids = tree(served.process.pid)
        return fresh, sum(pss_bytes(pid) for pid in pids), len(pids)


def measure(plan: Plan) -> list[Row]:
    """Starts of both take turns, the first of each is not counted: it may write byte code."""
    product_start()
    bare_start()
    starts, bare = [], []
    for _ in range(plan.times(10)):
        starts.append(product_start())
        bare.append(bare_start())
    how = f"p50; longest {max(starts):.2f} s, n={len(starts)}"
    rows = [
        Row(
            "start to first 200 on /",
            statistics.median(starts),
            "s",
            statistics.median(bare),
            "bare Pyramid view",
            Bar(1.5),
            how,
        )
    ]
    fresh, used, count = idle_pss()
    rows.append(
        Row("PSS of server, two workers, zygotes, idle", fresh / 2**20, "MB", bar=Bar(250), how="3 s after the start")
    )
    rows.append(Row("the same after 20 jobs", used / 2**20, "MB", bar=Bar(250), how=f"{count} processes"))
    return rows
