"""`python -m tests.conformance.cwl [--suite FOLDER] [id ...]`: run the suite through HTTP.

A line for each failure, and the totals; once with CWL's own objects for files, and once with links.
"""

import argparse
import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance.cwl.driver import Driver, Outcome
from tests.conformance.cwl.inputs import Dress, serve_files
from tests.conformance.cwl.server import Server
from tests.conformance.cwl.serving import add_server_arguments, started
from tests.conformance.cwl.suite import DOCKER_VARIABLE, FOLDER_VARIABLE, INDEX, Case, read_suite

_DRESSES = {Dress.CWL: "CWL's own objects", Dress.OGC: "links, and defaults by their addresses"}
VERDICTS = ("passed", "failed", "skipped", "known")


def parse_arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.cwl", description=__doc__)
    parser.add_argument("ids", nargs="*", help="tests to run; all of them if none is named")
    parser.add_argument(
        "--suite", default=os.environ.get(FOLDER_VARIABLE), help=f"folder with {INDEX}; else {FOLDER_VARIABLE}"
    )
    add_server_arguments(parser)
    parser.add_argument(
        "--dress", choices=[*map(str, Dress), "both"], default="both", help="files as CWL's objects, or as OGC's links"
    )
    parser.add_argument("--tags", default="", help="only tests with one of these tags, as required,workflow")
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


def line(outcome: Outcome) -> str:
    """One line of the report."""
    reason = " ".join(outcome.reason.split())
    return f"{outcome.verdict.upper():8}{outcome.case.id} ({outcome.elapsed_s:.1f} s){': ' if reason else ''}{reason}"


def totals(title: str, outcomes: list[Outcome]) -> str:
    """Counts of a group of tests."""
    count = Counter(outcome.verdict for outcome in outcomes)
    return f"{title + ':':10}{', '.join(f'{count[verdict]} {verdict}' for verdict in VERDICTS)} of {len(outcomes)}"


def replay(driver: Driver, cases: list[Case], pool: ThreadPoolExecutor, verbose: bool) -> list[Outcome]:
    """Run tests in one dress, and print what came of them."""
    print(f"Files as {_DRESSES[driver.dress]}:")
    outcomes = []
    for outcome in pool.map(driver.run, cases):
        outcomes.append(outcome)
        if verbose or outcome.verdict == "failed":
            print(line(outcome), flush=True)
    print(totals("required", [outcome for outcome in outcomes if "required" in outcome.case.tags]))
    print(totals("all", outcomes), flush=True)
    return outcomes


def main() -> int:
    """Run what was asked for; 1 if a test failed."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    with_docker = os.environ.get(DOCKER_VARIABLE) == "1"
    for name in (DOCKER_VARIABLE, FOLDER_VARIABLE):
        os.environ.pop(name, None)  # the server would refuse them: they name no setting
    folder = Path(arguments.suite).resolve()
    cases = select(read_suite(folder), arguments.ids, arguments.tags)
    dresses = list(Dress) if arguments.dress == "both" else [Dress(arguments.dress)]
    with (
        started(arguments.url, arguments.jobs, arguments.set) as url,
        serve_files(folder) as files_url,
        ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        server = Server(url, arguments.limit)
        outcomes = [
            outcome
            for dress in dresses
            for outcome in replay(Driver(server, folder, files_url, dress, with_docker), cases, pool, arguments.verbose)
        ]
    return 1 if any(outcome.verdict == "failed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
