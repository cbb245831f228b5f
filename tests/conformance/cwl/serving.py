"""The server that a run asks: one that runs already, or one that is started for it."""

import argparse
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.client import Served


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """What says which server is asked, and how."""
    parser.add_argument("--url", help="a server that runs, with security.allowed_hosts=127.0.0.1; else one is started")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="a setting of the server that is started",
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which a job hangs")
    parser.add_argument("--verbose", action="store_true", help="a line for each, not only for the failures")


@contextmanager
def started(url: str | None, jobs: int, settings: list[str]) -> Iterator[str]:
    """The URL of the server to ask: the one given, or one that is started for this run in a folder of its own."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="weaver-like-cwl-") as folder:
        served = Served(Path(folder), f"engine.workers={jobs}", "log.level=ERROR", *settings).start()
        try:
            yield served.url
        finally:
            try:
                served.stop()
            except subprocess.TimeoutExpired:
                served.stop(signal.SIGKILL)
