"""A large input by reference and a large output: memory must not follow their size."""

import json
import shutil
import statistics
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bench.client import Client, Plan, folder, helper, serving
from tests.bench.process_memory import GrowthWatch
from tests.bench.report import Bar, Row
from tests.support.client import Served
from tests.support.plugin_makers import source

_BAR = Bar(32)


def elapsed(action: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def download(url: str, target: Path) -> None:
    """The baseline of fetching an input: copy the body of an answer into a file."""
    with urllib.request.urlopen(url) as answer, target.open("wb") as stream:
        shutil.copyfileobj(answer, stream, 1 << 20)
    target.unlink()


def measure_input(served: Served, client: Client, site: str, data: Path, size: int) -> list[Row]:
    """Three rounds of a job with the input and of a bare download take turns."""
    times, bare, growths = [], [], []
    url = f"{site}/{size}.bin"
    for _ in range(3):
        bare.append(elapsed(lambda: download(url, data / "bare.bin")))
        with GrowthWatch(served.process.pid) as watch:
            times.append(elapsed(lambda: read_file(client, url, size)))
        growths.append(watch.growth_bytes)
    return _rows(f"{size / 2**30:g} GB input by reference", size, (times, bare, growths), "bare download to a file")


def read_file(client: Client, url: str, size: int) -> None:
    """Run a job that reads a reference. Raises: RuntimeError, if it saw another size."""
    job_id = client.submit("bench-read", {"document": {"href": url, "type": "application/octet-stream"}})
    client.wait(job_id, 0.02)
    found = json.loads(client.get(f"/jobs/{job_id}/results?f=json"))["size"]
    if (found["value"] if isinstance(found, dict) else found) != size:
        raise RuntimeError(f"the job read {found} of {size} bytes")


def measure_output(served: Served, client: Client, site: str, size: int) -> list[Row]:
    """Three rounds of a job with the output, fetched from the server, and of a bare download take turns."""
    bare_client = Client(site)
    times, bare, growths = [], [], []
    for _ in range(3):
        bare.append(elapsed(lambda: bare_client.read_away(f"/{size}.bin")))
        with GrowthWatch(served.process.pid) as watch:
            job_id = client.submit("bench-write", {"blocks": size >> 20})
            client.wait(job_id, 0.02)
            times.append(elapsed(lambda job_id=job_id: fetch_file(client, job_id, size)))
        growths.append(watch.growth_bytes)
        client.request("DELETE", f"/jobs/{job_id}")
    return _rows(f"{size / 2**30:g} GB output", size, (times, bare, growths), "bare streaming server")


def fetch_file(client: Client, job_id: str, size: int) -> None:
    """Download an output. Raises: RuntimeError, if it has another size."""
    found = client.read_away(f"/jobs/{job_id}/results/document")
    if found != size:
        raise RuntimeError(f"{found} of {size} bytes came")


def _rows(what: str, size: int, measured: tuple[list[float], list[float], list[int]], baseline_name: str) -> list[Row]:
    times, bare, growths = measured
    rate, bare_rate = (size / 2**20 / statistics.median(values) for values in (times, bare))
    return [
        Row(f"{what}: growth of any process", max(growths) / 2**20, "MB", bar=_BAR, how=f"highest of n={len(growths)}"),
        Row(f"{what}: throughput", rate, "MB/s", bare_rate, baseline_name, how=f"p50, n={len(times)}"),
    ]


def measure(plan: Plan) -> list[Row]:
    """A small job of each kind first, so that what is loaded once does not count as growth with the size."""
    size = (128 if plan.quick else 1024) * 2**20
    with folder() as data, helper("stream_server") as streamer:
        (data / "plugins").mkdir()
        (data / "plugins" / "bench_files.py").write_text(source("bench_files"), "utf-8")
        site = streamer.stdout.readline().strip()
        with serving(data) as served:
            client = Client(served.url)
            measure_input(served, client, site, data, 2**20)
            measure_output(served, client, site, 2**20)
            return measure_input(served, client, site, data, size) + measure_output(served, client, site, size)
