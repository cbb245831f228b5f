"""Lists of jobs: a page must cost the same in a store of a thousand and in one of a million."""

import time
from datetime import UTC, datetime, timedelta

from tests.bench.client import Client, Plan, folder, serving
from tests.bench.fill import fill
from tests.bench.latency import sync_echo
from tests.bench.report import Bar, Row, timed_row

_SMALL = 1000
_BAR = Bar(1.5, of_ratio=True)
_ROUND = 20


def timed_get(client: Client, path: str) -> float:
    """Seconds of one request."""
    began = time.perf_counter()
    client.get(path)
    return time.perf_counter() - began


def paths(middle: tuple[int, str]) -> dict[str, tuple[str, Bar | None]]:
    """What is asked: name -> (path, bar). middle: place of the job in the middle of the store."""
    created, job_id = middle
    noon = datetime.fromtimestamp(created / 1e6, UTC)
    interval = f"{noon:%Y-%m-%dT%H:%M:%SZ}/{noon + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "limit=10": ("/jobs?limit=10", _BAR),
        "status=successful&limit=10": ("/jobs?status=successful&limit=10", _BAR),
        "status=failed": ("/jobs?status=failed&limit=10", None),
        "status=failed,dismissed": ("/jobs?status=failed,dismissed&limit=10", None),
        "processID=": ("/jobs?processID=process-07&limit=10", None),
        "processID= of 3": ("/jobs?processID=process-07,process-08,process-09&limit=10", None),
        "processID=&status=failed": ("/jobs?processID=process-07&status=failed&limit=10", None),
        "processID=&status=running (none)": ("/jobs?processID=process-07&status=running&limit=10", None),
        "processID= (unknown)": ("/jobs?processID=nobody&limit=10", None),
        "datetime= a day": (f"/jobs?datetime={interval}&limit=10", None),
        "status=failed&datetime= a day": (f"/jobs?status=failed&datetime={interval}&limit=10", None),
        "minDuration=60": ("/jobs?minDuration=60&limit=10", None),
        "minDuration=100000 (none)": ("/jobs?minDuration=100000&limit=10", None),
        "cursor= in the middle": (f"/jobs?cursor={created}.{job_id}&limit=10", None),
        "status=failed, cursor= in the middle": (f"/jobs?status=failed&cursor={created}.{job_id}&limit=10", None),
        "limit=1000": ("/jobs?limit=1000", None),
    }


def measure(plan: Plan) -> list[Row]:
    """Both servers take turns, request by request."""
    large = 100_000 if plan.quick else 1_000_000
    with folder() as few, folder() as many:
        small_middle, large_middle = fill(few, _SMALL), fill(many, large)
        asked, asked_small = paths(large_middle), paths(small_middle)
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in [*asked, "sync echo"]}
        with serving(few) as small_served, serving(many) as large_served:
            small_client, large_client = Client(small_served.url), Client(large_served.url)
            for turn in range(plan.times(15) + 1):
                for name, (path, _) in asked.items():
                    count = 1 if turn == 0 else (_ROUND if times[name][0] and times[name][0][-1] < 0.05 else 2)
                    for _ in range(count):
                        times[name][1].append(timed_get(small_client, asked_small[name][0]))
                        times[name][0].append(timed_get(large_client, path))
            for _ in range(plan.times(100)):
                times["sync echo"][1].append(sync_echo(small_client))
                times["sync echo"][0].append(sync_echo(large_client))
    bars = {name: bar for name, (_, bar) in asked.items()}
    return [
        timed_row(
            f"{'GET /jobs?' if name in bars else ''}{name}, {large:,} jobs",
            long,
            short,
            f"{_SMALL:,} jobs",
            bars.get(name),
        )
        for name, (long, short) in times.items()
    ]
