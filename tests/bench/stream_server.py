"""A local site for large inputs: GET /NUMBER streams so many bytes."""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BLOCK = bytes(range(256)) * 4096


class Site(BaseHTTPRequestHandler):
    """Answers with a body of known length, a block at a time."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        left = int(self.path.rpartition("/")[2].partition(".")[0])
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while left:
            block = _BLOCK[:left] if left < len(_BLOCK) else _BLOCK
            self.wfile.write(block)
            left -= len(block)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port and print it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
