"""A real web server on 127.0.0.1 for inputs, packages and callbacks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class _Site(BaseHTTPRequestHandler):
    """Serves `server.pages` (path -> (status, headers, body)).

    Keeps every GET in `server.asked` (path, headers), and every POST in `server.received`.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        status, headers, body = self.server.pages.get(self.path, (404, {}, b"nothing here"))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answers = self.server.answers
        status = answers.pop(0) if answers else 200
        self.server.received.append((self.path, dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    """A real web server on 127.0.0.1: `pages` to serve, `asked` requests for them, `received` posts,
    `answers` to give to the next posts; `url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.pages, server.asked, server.received, server.answers = {}, [], [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
