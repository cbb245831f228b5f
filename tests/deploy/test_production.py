"""server.kind=gunicorn: the master and its processes, slow clients, bodies, and every end."""

import http.client
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.children import Seen, begin, family_of, gone, kill
from tests.support.client import Served, end_of, status_of
from tests.support.raw_http import receive
from tests.support.waiting import wait_until

pytest.importorskip("gunicorn", reason="the extra `production` is not installed")
PRODUCTION = "server.kind=gunicorn"


def processes_of(served: Served) -> list[Seen]:
    """The processes that answer requests: the master's own children."""
    return [seen for seen in family_of(served.process.pid) if seen.parent == served.process.pid]


def connect(served: Served) -> socket.socket:
    parts = urlsplit(served.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def refusal(*settings: str, data: Path) -> str:
    """What the start says that must fail."""
    chosen = [part for setting in settings for part in ("--set", setting)]
    command = [str(Path(sys.executable).parent / "weaver-like"), "serve", "--port", "0", "--data", str(data), *chosen]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert " answers at " not in ended.stdout
    return ended.stderr


def test_the_embedded_engine_has_one_process(tmp_path: Path) -> None:
    assert "one server owns the embedded engine" in refusal(PRODUCTION, "server.processes=2", data=tmp_path)


def test_a_start_that_fails_in_the_process_ends_the_master_with_the_reason(tmp_path: Path) -> None:
    assert "store.url" in refusal(PRODUCTION, "store.url=nonsense", data=tmp_path)


def test_a_store_of_a_newer_release_ends_the_master_with_the_reason(serve: Callable[..., Served]) -> None:
    """Found when the store is migrated, beside the process that answers already."""
    served = serve("engine.workers=1")
    served.stop()
    with closing(sqlite3.connect(served.folder / "weaver_like.sqlite")) as connection:
        connection.execute("INSERT INTO schema_version (number, applied) VALUES (999, 0)")
        connection.commit()
    assert "999" in refusal(PRODUCTION, data=served.folder)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "Another port" in refusal(PRODUCTION, f"server.port={taken.getsockname()[1]}", data=tmp_path)


def test_a_process_that_died_is_replaced_and_its_jobs_go_on(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION)
    job_id = begin(served, "sleep", delay=1)
    (first,) = processes_of(served)
    kill(first)
    (second,) = wait_until(
        lambda: [seen for seen in processes_of(served) if seen.pid != first.pid], 20, "another process"
    )
    assert second.pid != first.pid
    assert end_of(served, job_id, 30)["status"] == "successful"
    seen = family_of(served.process.pid)
    assert served.stop() == 0
    gone(seen)


def test_nothing_outlives_a_master_that_was_killed(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION)
    begin(served, "sleep", delay=30)
    seen = family_of(served.process.pid)
    served.stop(signal.SIGKILL)
    gone(seen)


def test_waiting_clients_are_answered_when_the_server_stops(serve: Callable[..., Served]) -> None:
    """A synchronous request gets 201 and its Location; a listener hears the end of its stream."""
    served = serve(PRODUCTION, "engine.close_grace_s=0.3", "engine.workers=1")
    with ThreadPoolExecutor(2) as pool:
        waits = pool.submit(
            served.get, "/processes/sleep/execution", "POST", {"inputs": {"delay": 20}}, {"Prefer": "wait=20"}
        )
        job = wait_until(lambda: served.get("/jobs?status=running")[1]["jobs"], 20, "the job")[0]["jobID"]
        listens = pool.submit(served.get, f"/jobs/{job}/events")
        wait_until(lambda: status_of(served, job)["status"] == "running", 10)
        assert served.stop(signal.SIGINT) == 0
        status, document, headers = waits.result()
        assert (status, document["jobID"]) == (201, job)
        assert headers["Location"].endswith(job)
        assert listens.result()[0] == 200


def test_probes_are_told_that_the_server_stops(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION, "engine.close_grace_s=20", "engine.workers=1")
    begin(served, "sleep", delay=2)
    served.process.send_signal(signal.SIGTERM)
    found = wait_until(lambda: (answer := served.get("/health/ready"))[0] == 503 and answer, 5, "the stop")
    assert found[1]["stopping"] is True
    assert served.get("/health/live")[0] == 200
    assert served.stop() == 0


def test_a_second_signal_of_any_kind_kills(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION, "engine.close=join", "engine.workers=1")
    begin(served, "sleep", delay=30)
    seen = family_of(served.process.pid)
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    wait_until(lambda: served.get("/health/ready")[0] == 503, 5, "the stop")
    assert served.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 15
    gone(seen)


def test_connections_that_say_nothing_hold_no_thread(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION, "server.threads=4")
    silent = [connect(served) for _ in range(40)]
    began = time.monotonic()
    assert [served.get("/health/live")[0] for _ in range(5)] == [200] * 5
    assert time.monotonic() - began < 10
    for connection in silent:
        connection.close()


@pytest.mark.parametrize(("size", "status"), [(900, 201), (1500, 413)])
def test_a_body_in_chunks_is_measured(serve: Callable[..., Served], size: int, status: int) -> None:
    served = serve(PRODUCTION, "limits.body_bytes=1000")
    text = b'{"inputs": {"name": "x"}' + b" " * (size - 25) + b"}"
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=30)
    pieces = iter([text[:100], text[100:]])
    headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
    connection.request("POST", "/processes/greet/execution", body=pieces, headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == status, answer.read()


def test_a_large_body_within_the_limit_comes_through(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION)
    name = "x" * (9 * 2**20)
    assert (
        served.get("/processes/greet/execution", "POST", {"inputs": {"name": name}}, {"Prefer": "respond-async"})[0]
        == 201
    )


def test_ranges_and_head_of_a_result_file(serve: Callable[..., Served]) -> None:
    served = serve(PRODUCTION)
    folder = served.folder / "outputs" / served.submit("greet", {"name": "x"}) / "output"
    folder.mkdir(parents=True)
    (folder / "numbers.txt").write_bytes(b"0123456789" * 100_000)
    path = f"/outputs/{folder.parent.name}/output/numbers.txt"
    status, body, headers = served.get(path, headers={"Range": "bytes=10-14"})
    assert (status, body, headers["Content-Range"]) == (206, b"01234", "bytes 10-14/1000000")
    status, body, headers = served.get(path, "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "1000000")
    assert len(served.get(path)[1]) == 1_000_000


def test_a_listener_that_has_gone_frees_its_place(serve: Callable[..., Served]) -> None:
    """One place for listeners: it can be taken again and again."""
    served = serve(PRODUCTION, "server.threads=4")
    job_id = begin(served, "sleep", delay=30)

    def listen() -> bytes:
        with connect(served) as connection:
            connection.sendall(f"GET /jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return connection.recv(1000)

    for _ in range(3):
        wait_until(lambda: b" 200 " in listen().partition(b"\r\n")[0], 10, "a free place")


@pytest.mark.parametrize("kind", ["waitress", "gunicorn"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_header_in_another_spelling_forges_nothing(serve: Callable[..., Served], kind: str, order: int) -> None:
    """CGI knows no difference between - and _ in the name of a header; the server must."""
    served = serve(f"server.kind={kind}", "server.trusted_hops=1")
    headers = [
        b"X-Forwarded-Host: forged.example\r\nX-Forwarded-Host: outer.example",
        b"X_Forwarded_Host: forged.example",
    ][::order]
    with connect(served) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"\r\n".join(headers) + b"\r\n\r\n"
        )
        text = receive(connection)
    assert b"http://outer.example/" in text
    assert b"forged" not in text


@pytest.mark.parametrize("kind", ["waitress", "gunicorn"])
def test_a_scheme_is_believed_only_with_trusted_hops(serve: Callable[..., Served], kind: str) -> None:
    """gunicorn by itself would believe X-Forwarded-Proto of every client on this machine."""
    served = serve(f"server.kind={kind}")
    assert served.get("/", headers={"X-Forwarded-Proto": "https"})[1]["links"][0]["href"].startswith("http://127.0.0.1")
