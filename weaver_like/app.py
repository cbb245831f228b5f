"""`main(global_config, **settings)`: settings -> wiring -> Pyramid configuration -> WSGI application."""

import logging
import os
import platform
import re
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from weaver_like import settings as settings_module
from weaver_like.domain.errors import InvalidInput, NotAuthorized, TooLarge
from weaver_like.domain.job import Callback
from weaver_like.engines.base import ClosePolicy
from weaver_like.faces.ogcapi.callback import render_callback
from weaver_like.faces.ogcapi.memo import Memo
from weaver_like.faces.ogcapi.routes import add_routes
from weaver_like.faces.proxies import Proxies
from weaver_like.jobs.health import Health
from weaver_like.jobs.housekeeper import Housekeeper
from weaver_like.jobs.notify import Courier
from weaver_like.jobs.recover import clear_work
from weaver_like.jobs.scheduler import Scheduler
from weaver_like.jobs.start import prepare_store
from weaver_like.jobs.wait import Places
from weaver_like.runtime import Runtime
from weaver_like.schemas.urls import Urls
from weaver_like.settings import Settings
from weaver_like.wiring import build

log = logging.getLogger(__name__)
#: Source: RFC 9112 section 3.2; links are made of it.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


class Service:
    """The application with its engine and helpers: start it once it can be reached, stop it before the process ends."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.runtime = build(settings, serving=True)
        self.wsgi = make_wsgi(self.runtime)
        self._courier = Courier(self.runtime, self.runtime.engine, self._render_callback)
        self._started = False
        self._stopped = threading.Event()
        self._scheduler = Scheduler(self.runtime)
        self._housekeeper = Housekeeper(self.runtime, f"{platform.node()[:40]}/{os.getpid()}")

    def start(self) -> bool:
        """Returns when jobs can run: a store that is away is waited for, while requests are answered with 503.

        False, with nothing started, if `give_up` or `stop` was called before.
        """
        if not prepare_store(self.runtime, self._stopped):
            return False
        self._started = True
        if self.settings.engine.kind == "embedded":
            clear_work(self.runtime)
        self.runtime.engine.start()
        self._courier.start()
        self._housekeeper.start()
        self._scheduler.start()
        return True

    def give_up(self) -> None:
        """Wait for the store no longer."""
        self._stopped.set()

    def stop(self, policy: ClosePolicy | None = None) -> None:
        """No process is left when this returns; what waits in the store goes on at the next start."""
        self._stopped.set()
        if not self._started:
            return
        chosen = policy or ClosePolicy(self.settings.engine.close)
        self._scheduler.stop()  # first: close=join would wait for its jobs too
        self.runtime.engine.drain(chosen, self.settings.engine.close_grace_s)
        self._housekeeper.stop()
        self._courier.stop()
        for thread in (self._courier, self._scheduler, self._housekeeper):
            if thread.is_alive():
                thread.join(timeout=5)

    def close(self) -> None:
        """Give back the connections to the store, when no request is answered any more."""
        self.runtime.deployer.packages.close()
        self.runtime.jobs.close()

    def _render_callback(self, callback: Callback) -> bytes:
        return render_callback(self.runtime, callback, lambda base: _urls(self.settings, base))


def main(global_config: dict, **pairs: str) -> Callable:
    """PasteDeploy factory (`egg:weaver_like`): the engine starts with the application."""
    ini = global_config.get("__file__")
    service = Service(settings_module.load(Path(ini) if ini else None, os.environ, pairs=pairs))
    service.start()
    return service.wsgi


def make_wsgi(runtime: Runtime) -> Callable:
    """The WSGI application of a runtime."""
    config = Configurator(settings={"handle_exceptions": False})
    config.include("cornice")
    config.registry.memo, config.registry.health = Memo(), Health(runtime)
    threads = runtime.settings.server.threads
    config.registry.places, config.registry.event_places = Places(threads // 2), Places(max(1, threads // 4))
    config.add_request_method(lambda _request: runtime, "runtime", property=True)
    config.add_request_method(_request_urls, "urls", reify=True)
    config.add_tween("weaver_like.app.check_request", under="pyramid.tweens.excview_tween_factory")
    add_routes(config)
    return Proxies(config.make_wsgi_app(), runtime.settings.server.trusted_hops)


def check_request(handler: Callable[[Request], Response], registry: object) -> Callable[[Request], Response]:
    """A tween: requests that name no host (RFC 9112 section 3.2), bodies that are too large, and requests that another site's page makes a browser send."""

    def tween(request: Request) -> Response:
        host = request.environ.get("HTTP_HOST", "" if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1" else "none")
        if not _HOST.match(host):
            raise InvalidInput("The header Host is missing, or names no host.")
        if request.method not in ("GET", "HEAD"):
            limit = request.runtime.settings.limits.body_bytes
            if (request.content_length or 0) > limit:
                raise TooLarge(
                    f"The body has {request.content_length} bytes; at most {limit} are taken. Give large inputs by reference."
                )
            origin = request.headers.get("Origin")
            if origin and origin.partition("://")[2] not in (request.host, urlsplit(request.urls.base).netloc):
                raise NotAuthorized(f"A page of '{origin[:100]}' may not change anything here.")
        return handler(request)

    return tween


def _request_urls(request: Request) -> Urls:
    return _urls(
        request.runtime.settings, request.runtime.settings.server.url.rstrip("/") or request.application_url.rstrip("/")
    )


def _urls(settings: Settings, base: str) -> Urls:
    return Urls(base, settings.files.outputs_url.rstrip("/") or f"{base}/outputs")
