"""Serving HTTP with waitress until a signal."""

import importlib
import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, MultiSocketServer
from waitress.task import ErrorTask

from weaver_like.app import Service
from weaver_like.domain.errors import InvalidInput, SettingError, TooLarge, WeaverError
from weaver_like.engines.base import ClosePolicy
from weaver_like.faces.ogcapi.documents.job import render_problem
from weaver_like.observe.logs import configure_logs
from weaver_like.sandbox import kernel
from weaver_like.schemas.jsontext import dumps
from weaver_like.settings import Settings
from weaver_like.warm import NURSERY

log = logging.getLogger(__name__)


class ProblemTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers what waitress refuses (not HTTP, too large) with a problem document, like every other error."""

    def execute(self) -> None:
        refused = self.request.error
        kind: type[WeaverError] = TooLarge if refused.code == 413 else InvalidInput
        error = kind(f"{refused.reason}: {refused.body}.")
        document = render_problem(error) | {"status": refused.code}
        body = dumps(document)
        self.status = f"{refused.code} {refused.reason}"
        self.response_headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        self.content_length = len(body)
        self.close_on_finish = True
        self.write(body)


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """The parser of waitress, which answers a few broken request lines with exceptions."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError(f"the request is not HTTP: {error}") from error


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """One connection."""

    error_task_class = ProblemTask
    parser_class = Parser


def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Listen, start the engine, call `announce` with the URL, and serve; returns when everything has ended.

    Raises: SettingError; OSError, if the address cannot be listened on; SystemExit, if no process starts.
    """
    check_processes(settings)
    if settings.server.kind == "gunicorn":
        try:
            production = importlib.import_module("weaver_like.cli.production")
        except ImportError as error:
            raise SettingError(
                f"server.kind is gunicorn, which is not installed ({error}). Try: pip install weaver-like[production]"
            ) from error
        production.run_processes(settings, announce)
    else:
        _run_waitress(settings, announce)


def check_processes(settings: Settings) -> None:
    """Raises: SettingError, if more processes are asked for than can work together."""
    count = settings.server.processes
    if count > 1 and settings.engine.kind == "embedded":
        raise SettingError(
            f"server.processes is {count}, but one server owns the embedded engine. "
            "Use server.processes=1 or engine.kind=celery."
        )
    if count > 1 and settings.server.kind == "waitress":
        raise SettingError(f"server.processes is {count}, but waitress is a single process. Use server.kind=gunicorn.")


def _run_waitress(settings: Settings, announce: Callable[[str], None]) -> None:
    configure_logs(settings.log.level, settings.data_dir / "logs" / "server.log", console=True)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    kernel.hide_from_siblings()
    service = Service(settings)
    server = waitress.create_server(
        service.wsgi,
        host=settings.server.host,
        port=settings.server.port,
        threads=settings.server.threads,
        connection_limit=1000,
        ident="weaver-like",
        clear_untrusted_proxy_headers=False,
        channel_timeout=120,
        # The application itself refuses large bodies, after reading them: a client still sending would miss the answer.
        max_request_body_size=max(16 * settings.limits.body_bytes, 2**27),
        inbuf_overflow=2**20,
        outbuf_overflow=2**20,
        outbuf_high_watermark=2**22,
    )
    server.channel_class = Channel
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    asked = _catch_signals(service)
    thread.start()
    if service.start():
        host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
        announce(settings.server.url or f"http://{host}:{_port(server)}")
        asked.acquire()
        _stop(settings, service, asked)
        _finish_answers(server)
    server.close()
    service.close()
    NURSERY.close()
    log.info("stopped")


def _port(server: BaseWSGIServer | MultiSocketServer) -> int:
    """The port that the server listens on; with several addresses, that of the first."""
    port: int = getattr(server, "effective_port", None) or server.effective_listen[0][1]
    return port


def _finish_answers(server: BaseWSGIServer | MultiSocketServer) -> None:
    """Give requests that waited for jobs a second to be answered."""
    end = time.monotonic() + 1
    while server.task_dispatcher.active_count and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.05)


def _catch_signals(service: Service) -> threading.Semaphore:
    """A semaphore that each SIGINT and SIGTERM releases.

    The signals also end a start that waits for the store, even in process 1 of a container.
    """
    asked = threading.Semaphore(0)

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.release()
        service.give_up()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return asked


def _stop(settings: Settings, service: Service, asked: threading.Semaphore) -> None:
    """Stop as `engine.close` says; a second signal ends running jobs at once."""
    log.info(
        "stopping: engine.close is %s, running jobs have %g s; a second signal ends them now",
        settings.engine.close,
        settings.engine.close_grace_s,
    )
    stopping = threading.Thread(target=service.stop, name="stop")
    stopping.start()
    while stopping.is_alive():
        if asked.acquire(timeout=0.05):
            service.runtime.serving_engine.drain(ClosePolicy.KILL, 0)
    stopping.join()
