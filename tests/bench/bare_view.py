"""The baseline of a request: one Pyramid view that returns a small
document, under waitress set as the product sets it."""

import os
import sys
import threading

import waitress
from pyramid.config import Configurator
from pyramid.request import Request

THREADS = 32


def view(_request: Request) -> dict:
    """A small JSON document."""
    return {"title": "bare", "status": "successful", "progress": 100}


def end_with_input() -> None:
    """End when whoever started us closes our standard input."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve on a free port and print it."""
    config = Configurator()
    config.add_route("document", "/document/{name}")
    config.add_view(view, route_name="document", renderer="json", request_method="GET")
    server = waitress.create_server(
        config.make_wsgi_app(),
        host="127.0.0.1",
        port=0,
        threads=THREADS,
        connection_limit=1000,
        ident="bare",
        clear_untrusted_proxy_headers=True,
        channel_timeout=120,
        inbuf_overflow=2**20,
        outbuf_overflow=2**20,
        outbuf_high_watermark=2**22,
    )
    threading.Thread(target=end_with_input, daemon=True).start()
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
