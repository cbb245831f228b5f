"""`python -m tests.bench [--only name,...] [--quick] [--rst]`: measure, and print one table."""

import argparse
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.bench import against, distributed, files, latency, lists, packages, start, views
from tests.bench.client import Plan
from tests.bench.report import Row, rst_table, text_table

BENCHMARKS: dict[str, Callable[[Plan], list[Row]]] = {
    "latency": latency.measure,
    "views": views.measure,
    "lists": lists.measure,
    "start": start.measure,
    "files": files.measure,
    "packages": packages.measure,
}
#: Only run if they are named: they need MongoDB, RabbitMQ, Redis and PostgreSQL, or another checkout.
DISTRIBUTED = {"distributed": distributed.measure, "against": against.measure}


def parse_arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(BENCHMARKS), help=f"some of: {', '.join(BENCHMARKS | DISTRIBUTED)}")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, 100,000 jobs, 128 MB: to see that it works, not to judge by"
    )
    parser.add_argument("--against", type=Path, help="a checkout with a .venv of its own, to compare with")
    parser.add_argument("--rst", action="store_true", help="the table as reStructuredText")
    arguments = parser.parse_args(given)
    arguments.names = [name.strip() for name in arguments.only.split(",") if name.strip()]
    unknown = [name for name in arguments.names if name not in BENCHMARKS | DISTRIBUTED]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(BENCHMARKS | DISTRIBUTED)}")
    return arguments


def main() -> int:
    """Run what was asked for; 1 if a benchmark could not be run, whatever the bars say."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its byte code
    load_before = os.getloadavg()[0]
    rows: list[Row] = []
    broken: list[str] = []
    for name in arguments.names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            rows += (BENCHMARKS | DISTRIBUTED)[name](Plan(arguments.quick, arguments.against))
        except Exception:  # one that cannot run must not cost the results of the others
            traceback.print_exc()
            broken.append(name)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    load = f"load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after"
    title = f"Python {platform.python_version()}, {os.cpu_count()} cores, {load}"
    if arguments.quick:
        title += ", quick"
    print(rst_table(rows, title) if arguments.rst else f"{title}\n\n{text_table(rows)}")
    if broken:
        print(f"could not run: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
