"""Keeps one server for a whole test run, whose workers share it.

`python -m tests.support.run_server MongoDB <pid of the run>` prints the URL, and ends the server and
removes its data when the run's process has ended, however that came about.
"""

import sys

import psutil

from tests.support.brokers import RabbitMQ, Redis
from tests.support.databases import MariaDB, MongoDB, PostgreSQL

KINDS = (MongoDB, PostgreSQL, MariaDB, Redis, RabbitMQ)


def main(name: str, run: int) -> None:
    owner = psutil.Process(run)
    server = {kind.__name__: kind for kind in KINDS}[name]()
    try:
        print(server.start().url, flush=True)
        owner.wait()
    finally:
        server.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
