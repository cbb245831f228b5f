"""`python -m tests.collection FOLDER`: try every CWL document below a folder on a server.

Each is deployed as a dry run; one with a job file beside it that needs no container is executed as well.
"""

import argparse
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.collection.attempt import Verdict, attempt
from tests.collection.entries import find_documents, read_entry
from tests.collection.report import lines
from tests.conformance.cwl.inputs import Place, serve_files
from tests.conformance.cwl.server import Server
from tests.conformance.cwl.serving import add_server_arguments, started


def parse_arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.collection", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documents are; nothing is written there")
    add_server_arguments(parser)
    arguments = parser.parse_args(given)
    if not arguments.folder.is_dir():
        parser.error(f"expected a folder with .cwl files, got '{arguments.folder}'")
    return arguments


def main(given: list[str] | None = None) -> int:
    """Try them all; 1 if the server misbehaved, whatever it refused."""
    arguments = parse_arguments(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    folder = arguments.folder.resolve()
    with (
        started(arguments.url, arguments.jobs, arguments.set) as url,
        serve_files(folder) as files_url,
        ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        server, place = Server(url, arguments.limit), Place(folder, files_url)
        documents = find_documents(folder)
        findings = list(pool.map(lambda path: attempt(read_entry(path, folder), server, place), documents))
    print("\n".join(lines(findings, arguments.verbose)))
    return 1 if any(finding.verdict is Verdict.ERROR for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
