"""Serving HTTP with gunicorn: OS processes on one socket, each with its own service; a dead one is replaced."""

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from types import FrameType
from typing import NoReturn
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.sock import close_sockets
from gunicorn.workers.gthread import TConn, ThreadWorker

from weaver_like.app import Service
from weaver_like.domain.errors import InvalidInput, WeaverError
from weaver_like.engines.base import ClosePolicy
from weaver_like.faces.ogcapi.documents.job import render_problem
from weaver_like.observe.logs import configure_logs
from weaver_like.sandbox import kernel
from weaver_like.schemas.jsontext import dumps
from weaver_like.settings import Settings

log = logging.getLogger(__name__)
#: Seconds that a client may be silent within a request, or take for a piece of an answer (256 KiB at most).
_SILENCE_S = 60.0
#: Seconds that unfinished answers get when everything else has stopped.
_LAST_ANSWERS_S = 3
_REFUSALS = {
    LimitRequestLine: (414, "URI too long"),
    LimitRequestHeaders: (431, "Request header fields too large"),
    ExpectationFailed: (417, "Expectation failed"),
    UnsupportedTransferCoding: (501, "Not implemented"),
}


class _Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection on which reads and writes time out."""

    def init(self) -> None:
        super().init()
        self.sock.settimeout(_SILENCE_S)


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One OS process that answers requests."""

    service: Service | None = None
    _stopping = False

    def init_signals(self) -> None:
        super().init_signals()
        # Ctrl-C in the terminal reaches every process; the master decides how to stop.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def load_wsgi(self) -> None:
        settings: Settings = self.app.settings
        kernel.hide_from_siblings()
        kernel.die_with_parent()  # at once: the next server must find the engine's lock free
        configure_logs(settings.log.level, settings.data_dir / "logs" / self._log_name(), console=True)
        try:
            self.service = service = Service(settings)
        except (WeaverError, OSError) as error:
            _give_up(error)
        self.wsgi = _with_whole_bodies(service.wsgi, settings.limits.body_bytes)
        # Requests are answered while the start waits for a store that is away.
        threading.Thread(target=self._start, args=(service,), name="start", daemon=True).start()

    def _log_name(self) -> str:
        """The name of the log, one for each process that runs at the same time."""
        count = self.app.settings.server.processes
        if count == 1:
            return "server.log"
        return f"server-{(self.age - 1) % count + 1}.log"

    def _start(self, service: Service) -> None:
        try:
            if not service.start():
                return
        except (WeaverError, OSError) as error:
            _give_up(error)
        os.write(self.app.up[1], b"x")
        os.kill(self.ppid, signal.SIGCHLD)  # the master looks at once

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; it gets a thread when its first bytes arrive, not before."""
        try:
            client, address = listener.accept()
        except OSError:  # another process accepted it
            return
        self.nr_conns += 1
        conn = _Connection(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(client, 1, partial(self.on_pending_socket_readable, conn))

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Stop as `engine.close` says; requests are answered meanwhile."""
        threading.Thread(target=self._stop, name="stop").start()

    def handle_quit(self, _sig: int, _frame: FrameType | None) -> None:
        """Stop now: running jobs are ended."""
        if self.service is not None:
            drain = self.service.runtime.serving_engine.drain
            threading.Thread(target=drain, args=(ClosePolicy.KILL, 0), name="kill").start()
        self.handle_exit(_sig, _frame)

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self.service is not None:
            self.service.stop()
        super().handle_exit(signal.SIGTERM, None)

    def run(self) -> None:
        super().run()
        self._stop()  # does nothing, unless it is the master that has gone
        if self.service is not None:
            self.service.close()
        logging.shutdown()
        os._exit(0)  # threads may still wait for clients that will never read

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: Exception) -> None:
        """Answer what gunicorn itself refuses with a problem document, like every other error."""
        if isinstance(exc, ParseException):
            code, title = _REFUSALS.get(type(exc), (400, "Bad request"))
            error: WeaverError = InvalidInput(f"{title}: {str(exc)[:200]}.")
        else:
            log.error("a request failed", exc_info=exc)
            code, title = 500, "Internal error"
            error = WeaverError("The server failed on this request; its log says why.")
        body = dumps(render_problem(error) | {"status": code})
        head = (
            f"HTTP/1.1 {code} {title}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:  # the client has gone
            pass


def _give_up(error: Exception) -> NoReturn:
    """End this process and the master: another process would fail in the same way."""
    sys.stderr.write(f"Error: {getattr(error, 'detail', error)}\n")
    sys.stderr.flush()
    os._exit(Arbiter.APP_LOAD_ERROR)


def _with_whole_bodies(wsgi: WSGIApplication, limit: int) -> WSGIApplication:
    """An application that gets complete bodies of known length.

    A body in chunks that is longer than `limit` counts as one of `limit` + 1 bytes.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        declared = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        if (chunked or declared) and declared <= limit:
            body = _read_body(environ["wsgi.input"], limit)
            size = body.tell()
            if size < declared:
                raise NoMoreData  # the client has gone
            body.seek(0)
            environ["CONTENT_LENGTH"], environ["wsgi.input"] = str(size), body
        return wsgi(environ, start_response)

    return call


def _read_body(given: InputStream, limit: int) -> tempfile.SpooledTemporaryFile[bytes]:
    """Read at most `limit` + 1 bytes; the position is at the end of the file."""
    kept = tempfile.SpooledTemporaryFile(2**20)
    while kept.tell() <= limit:
        piece = given.read(min(2**16, limit + 1 - kept.tell()))
        if not piece:
            break
        kept.write(piece)
    return kept


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The application of gunicorn. up: a pipe that gets a byte from every process that can answer."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.up = os.pipe()
        super().__init__()

    def load_config(self) -> None:
        server = self.settings.server
        own = {
            "worker_class": _Worker,
            "workers": server.processes,
            "threads": server.threads,
            "worker_connections": 1000,
            "keepalive": 60,
            "limit_request_line": 8190,
            "limit_request_field_size": 8190,
            "timeout": 60,
            "graceful_timeout": _LAST_ANSWERS_S,
            "control_socket_disable": True,
            # weaver_like.faces.proxies decides which proxies to trust.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            # A heartbeat by a file on a slow disk would look like a process that hangs.
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        }
        for name, value in own.items():
            self.cfg.set(name, value)


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """Keeps the processes alive until a signal: the first one stops them, the second one kills them."""

    def __init__(self, application: _Application, listening: socket.socket, announce: Callable[[], None]):
        super().__init__(application)
        self.LISTENERS = [listening]
        self._announce: Callable[[], None] | None = announce
        self._up = 0
        self._asked = False

    def init_signals(self) -> None:
        super().init_signals()
        # A signal must not start a second engine.
        for number in (signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH):
            signal.signal(number, signal.SIG_IGN)

    def signal(self, sig: int, frame: FrameType | None) -> None:
        if sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            sig = signal.SIGQUIT if self._asked else signal.SIGTERM
            self._asked = True
        super().signal(sig, frame)

    def handle_chld(self) -> None:
        super().handle_chld()
        if self._announce is None:
            return
        os.set_blocking(self.app.up[0], False)
        try:
            self._up += len(os.read(self.app.up[0], 100))
        except BlockingIOError:
            return
        if self._up >= self.num_workers:
            self._announce()
            self._announce = None

    handle_cld = handle_chld  # SIGCHLD has two names

    def stop(self, graceful: bool = True) -> None:
        close_sockets(self.LISTENERS, False)
        self.LISTENERS = []
        engine = self.app.settings.engine
        limit_s = engine.close_grace_s + 45
        if graceful and engine.close == ClosePolicy.JOIN:
            limit_s = float("inf")
        end = time.monotonic() + limit_s
        log.info(
            "stopping: engine.close is %s, running jobs have %g s; a second signal ends them now",
            engine.close,
            engine.close_grace_s,
        )
        how = signal.SIGTERM if graceful else signal.SIGQUIT
        self.kill_workers(how)
        while self.WORKERS and time.monotonic() < end:
            if signal.SIGQUIT in self.wait_for_signals(timeout=0.1):
                self.kill_workers(signal.SIGQUIT)
                end = time.monotonic() + 30
            try:
                self.reap_workers()
            except HaltServer:  # a process that never started
                continue
        self.kill_workers(signal.SIGKILL)


def run_processes(settings: Settings, announce: Callable[[str], None]) -> None:
    """As `run_server`, with `server.processes` processes.

    Raises: OSError, if the address cannot be listened on; SystemExit, if no process starts.
    """
    configure_logs(settings.log.level, settings.data_dir / "logs" / "server.log", console=True)
    kernel.hide_from_siblings()
    server = settings.server
    family, _, _, _, address = socket.getaddrinfo(
        server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.create_server(address, family=family, backlog=2048)
    host = f"[{server.host}]" if family is socket.AF_INET6 else server.host
    url = server.url or f"http://{host}:{listening.getsockname()[1]}"
    master = _Master(_Application(settings), listening, lambda: announce(url))
    _configure_log()
    try:
        master.run()
    except SystemExit as end:
        if end.code:
            raise
    log.info("stopped")


def _configure_log() -> None:
    """Send warnings of gunicorn to our log."""
    foreign = logging.getLogger("gunicorn.error")
    foreign.handlers.clear()
    foreign.propagate = True
    foreign.setLevel(logging.WARNING)
    foreign.addFilter(_is_no_lost_client)


def _is_no_lost_client(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], OSError))
