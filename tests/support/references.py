"""Inputs by reference: taken, refused, failed; and a server that answers what it is told."""

import socket
import threading

from webtest import TestApp

from tests.support.client import finished

COMPLEX, TEXT = "/processes/echo-complex/execution", {"Content-Type": "text/plain"}


def give(app: TestApp, href: str, process: str = "echo-complex", name: str = "complexInput", **more: object) -> dict:
    """Run a process on one reference; its final status."""
    inputs = {name: {"href": href, **more}} | ({"message": "m"} if process == "echo" and name != "message" else {})
    answer = app.post_json(
        f"/processes/{process}/execution", {"inputs": inputs}, headers={"Prefer": "respond-async"}, status=201
    )
    return finished(app, answer.json["jobID"])


def failed(app: TestApp, status: dict, *words: str, name: str = "complexInput") -> dict:
    """The problem of a job that failed because of its input: 400, names the input and the reason."""
    assert status["status"] == "failed", status
    problem = app.get(f"/jobs/{status['jobID']}/results", status=400).json
    assert problem["errors"][0]["pointer"].startswith(f"/inputs/{name}")
    for text in (problem["detail"], status["message"]):
        assert f"'{name}'" in text
        assert all(word in text for word in words), text
        assert "Traceback" not in text
    assert app.get(f"/jobs/{status['jobID']}/exceptions").json["exceptions"][0]["detail"] == problem["detail"]
    return problem


def refused(app: TestApp, href: str) -> dict:
    """The problem of a reference that is not even taken; no job is kept."""
    before = app.get("/jobs?limit=1").json["jobs"]
    answer = app.post_json(
        COMPLEX, {"inputs": {"complexInput": {"href": href}}}, headers={"Prefer": "respond-async"}, status=400
    )
    assert answer.json["errors"][0]["pointer"] == "/inputs/complexInput/href"
    assert app.get("/jobs?limit=1").json["jobs"] == before
    return answer.json


class Stream:
    """Answers one request with exactly these headers and bytes, then closes; `with Stream(...) as url`."""

    def __init__(self, headers: dict[str, str | None], body: bytes, status: str = "200 OK"):
        told = {"Content-Type": "text/plain", "Content-Length": str(len(body))} | headers
        head = [
            f"HTTP/1.1 {status}",
            *(f"{name}: {value}" for name, value in told.items() if value is not None),
            "",
            "",
        ]
        self._answer = "\r\n".join(head).encode("latin-1") + body
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)
        except OSError:
            pass  # nobody came, or the other side has had enough

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
