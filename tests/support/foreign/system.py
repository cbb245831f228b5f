"""The foreign system: `python -m tests.support.foreign.system` prints its URL, and serves until it is ended.

It runs nothing: a run has ended when the seconds are over that it was asked for. It remembers what was asked, and by
which process.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen


class _Runs:
    """Everything that the system knows."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs: dict[str, dict] = {}
        self.released: list[str] = []
        self.looks: Counter[str] = Counter()
        self.behaviour = {"start_s": 0.0, "away": False}

    def start(self, asked: dict) -> str:
        with self.lock:
            name = f"run-{len(self.runs) + 1}"
            self.runs[name] = asked | {"began": time.monotonic()}
        time.sleep(self.behaviour["start_s"])
        return name

    def state(self, name: str) -> dict:
        run = self.runs[name]
        passed_s = time.monotonic() - run["began"]
        if passed_s < run["seconds"]:
            return {"status": "running", "percent": int(100 * passed_s / run["seconds"]), "message": "under way"}
        return {"status": run["end"], "message": "" if run["end"] == "successful" else "it broke there"}

    def of_job(self, job_id: str) -> list[str]:
        return [name for name, run in self.runs.items() if run["job"] == job_id and name not in self.released]

    def report(self) -> dict:
        with self.lock:
            jobs = Counter(run["job"] for run in self.runs.values())
            return {"starts": jobs, "released": self.released, "looks": self.looks, "runs": self.runs}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    runs = _Runs()

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        name = path.rpartition("/")[2]
        if path == "/report":
            self._answer(200, self.runs.report())
        elif self.runs.behaviour["away"]:
            self._answer(503, {})
        elif path == "/runs":
            self._answer(200, self.runs.of_job(query["job"][0]))
        elif name in self.runs.runs and name not in self.runs.released:
            self.runs.looks[self.headers.get("From", "")] += 1
            self._answer(200, self.runs.state(name))
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/behaviour":
            self.runs.behaviour |= asked
            self._answer(200, {})
        elif self.runs.behaviour["away"]:
            self._answer(503, {})
        else:
            self._answer(201, self.runs.start(asked))

    def do_DELETE(self) -> None:
        name = self.path.rpartition("/")[2]
        known = name in self.runs.runs and name not in self.runs.released
        if self.runs.behaviour["away"]:
            self._answer(503, {})
            return
        if known:
            self.runs.released.append(name)
        self._answer(200 if known else 404, {})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # who asked was killed
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 500
    daemon_threads = True


class ForeignSystem:
    """One that runs. url: where."""

    def __init__(self, url: str):
        self.url = url

    def report(self) -> dict:
        """What was asked of it: starts by job, released runs, looks by process, runs."""
        with urlopen(f"{self.url}/report", timeout=30) as answer:
            return json.load(answer)

    def behave(self, **behaviour: object) -> None:
        """start_s: how long a start takes, after which the run is there already.  away: it refuses everything."""
        urlopen(Request(f"{self.url}/behaviour", json.dumps(behaviour).encode()), timeout=30).close()


@contextmanager
def running() -> Iterator[ForeignSystem]:
    """A system in a process of its own, which survives whatever is killed."""
    root = Path(__file__).parents[3]
    with Popen([sys.executable, "-m", "tests.support.foreign.system"], stdout=PIPE, text=True, cwd=root) as process:
        try:
            yield ForeignSystem(process.stdout.readline().strip())
        finally:
            process.kill()


def main() -> None:
    server = _Server(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
