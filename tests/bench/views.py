"""CPU of the server process for one request of the small documents."""

import json
import statistics

import psutil

from tests.bench.client import ECHO, ECHO_PATH, Client, Plan, folder, helper, serving
from tests.bench.report import Bar, Row

_ROUND = 1000
_BAR = Bar(4, of_ratio=True)


def cpu_us(process: psutil.Process, client: Client, path: str, count: int) -> float:
    """CPU time of `process`, microseconds for each of `count` requests."""
    before = process.cpu_times()
    for _ in range(count):
        client.get(path)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / count * 1e6


def measure(plan: Plan) -> list[Row]:
    """Rounds of the bare view and of each document take turns."""
    with folder() as data, serving(data) as served, helper("bare_view") as bare:
        bare_client, client = Client(bare.stdout.readline().strip()), Client(served.url)
        client.request("POST", ECHO_PATH, ECHO)
        job_id = json.loads(client.get("/jobs?limit=1"))["jobs"][0]["jobID"]
        asked = {
            "/processes": "/processes",
            "/processes/echo": "/processes/echo",
            "/jobs/{id}": f"/jobs/{job_id}",
            "/jobs?limit=10": "/jobs?limit=10",
        }
        targets = {"bare": (psutil.Process(bare.pid), bare_client, "/document/x")}
        targets |= {name: (psutil.Process(served.process.pid), client, path) for name, path in asked.items()}
        found: dict[str, list[float]] = {name: [] for name in targets}
        for target in targets.values():
            cpu_us(*target, 200)
        for _ in range(plan.times(7)):
            for name, target in targets.items():
                found[name].append(cpu_us(*target, _ROUND))
        client.close()
        bare_client.close()
    bare_us = statistics.median(found.pop("bare"))
    return [
        Row(
            f"CPU of GET {name}",
            statistics.median(values),
            "us",
            bare_us,
            "bare Pyramid view",
            None if "?" in name else _BAR,
            f"median of {len(values)} rounds of {_ROUND}; {min(values):.0f} to {max(values):.0f}",
        )
        for name, values in found.items()
    ]
