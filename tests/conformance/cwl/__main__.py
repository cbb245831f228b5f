"""`python -m tests.conformance.cwl [--suite FOLDER] [id ...]`: run the suite through HTTP.

A line for each failure, and the totals.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.cwl.driver import Driver, Outcome
from tests.conformance.cwl.inputs import serve_files
from tests.conformance.cwl.suite import DOCKER_VARIABLE, FOLDER_VARIABLE, INDEX, Case, read_suite
from tests.support.client import Served

VERDICTS = ("passed", "failed", "skipped", "known")


def parse_arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.cwl", description=__doc__)
    parser.add_argument("ids", nargs="*", help="tests to run; all of them if none is named")
    parser.add_argument(
        "--suite", default=os.environ.get(FOLDER_VARIABLE), help=f"folder with {INDEX}; else {FOLDER_VARIABLE}"
    )
    parser.add_argument("--url", help="a server that runs, with security.allowed_hosts=127.0.0.1; else one is started")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="a setting of the server that is started",
    )
    parser.add_argument("--jobs", type=int, default=2, help="tests at a time")
    parser.add_argument("--tags", default="", help="only tests with one of these tags, as required,workflow")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which a job hangs")
    parser.add_argument("--verbose", action="store_true", help="a line for every test")
    arguments = parser.parse_args(given)
    if not arguments.suite or not (Path(arguments.suite) / INDEX).is_file():
        parser.error(f"--suite or {FOLDER_VARIABLE} has to name a folder with {INDEX}")
    return arguments


def select(cases: list[Case], ids: list[str], tags: str) -> list[Case]:
    """The tests that were asked for. Raises: SystemExit for an id that no test has."""
    unknown = set(ids) - {case.id for case in cases}
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}")
    wanted = {tag.strip() for tag in tags.split(",") if tag.strip()}
    return [case for case in cases if (not ids or case.id in ids) and (not wanted or case.tags & wanted)]


@contextmanager
def server(url: str | None, jobs: int, settings: list[str]) -> Iterator[str]:
    """The URL of the server to ask: the one given, or one that is started for this run in a folder of its own."""
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="conformance-cwl-") as folder:
        served = Served(Path(folder), f"engine.workers={jobs}", "log.level=ERROR", *settings).start()
        try:
            yield served.url
        finally:
            try:
                served.stop()
            except subprocess.TimeoutExpired:
                served.stop(signal.SIGKILL)


def line(outcome: Outcome) -> str:
    """One line of the report."""
    reason = " ".join(outcome.reason.split())
    return f"{outcome.verdict.upper():8}{outcome.case.id} ({outcome.elapsed_s:.1f} s){': ' if reason else ''}{reason}"


def totals(title: str, outcomes: list[Outcome]) -> str:
    """Counts of a group of tests."""
    count = Counter(outcome.verdict for outcome in outcomes)
    return f"{title + ':':10}{', '.join(f'{count[verdict]} {verdict}' for verdict in VERDICTS)} of {len(outcomes)}"


def main() -> int:
    """Run what was asked for; 1 if a test failed."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    with_docker = os.environ.get(DOCKER_VARIABLE) == "1"
    for name in (DOCKER_VARIABLE, FOLDER_VARIABLE):
        os.environ.pop(name, None)  # the server would refuse them: they name no setting
    folder = Path(arguments.suite).resolve()
    cases = select(read_suite(folder), arguments.ids, arguments.tags)
    outcomes: list[Outcome] = []
    with (
        server(arguments.url, arguments.jobs, arguments.set) as url,
        serve_files(folder) as files_url,
        ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        driver = Driver(url, folder, files_url, arguments.limit, with_docker)
        for outcome in pool.map(driver.run, cases):
            outcomes.append(outcome)
            if arguments.verbose or outcome.verdict == "failed":
                print(line(outcome), flush=True)
    print(totals("required", [outcome for outcome in outcomes if "required" in outcome.case.tags]))
    print(totals("all", outcomes))
    return 1 if any(outcome.verdict == "failed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
