"""`main(global_config, **settings)`: settings -> wiring -> Pyramid configuration -> WSGI application."""

import logging
import os
import platform
import threading
from collections.abc import Mapping
from pathlib import Path

from pyramid.config import Configurator

from weaver_like import settings as settings_module
from weaver_like.domain.job import Callback
from weaver_like.domain.requester import SYSTEM
from weaver_like.engines.base import ClosePolicy
from weaver_like.faces.edge import add_edge
from weaver_like.faces.ogcapi.callback import render_callback
from weaver_like.faces.proxies import Proxies, WsgiApplication
from weaver_like.jobs.housekeeper import Housekeeper
from weaver_like.jobs.notify import Courier
from weaver_like.jobs.recover import clear_work
from weaver_like.jobs.scheduler import Scheduler
from weaver_like.jobs.start import prepare_store
from weaver_like.jobs.tracker import RunTracker
from weaver_like.services.application import Application
from weaver_like.settings import Settings
from weaver_like.wiring import build

log = logging.getLogger(__name__)


class Service:
    """The application, its engine and its helpers: start it once it can be reached, stop it before the process ends."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.runtime = build(settings, serving=True)
        self.application = Application(self.runtime)
        self.application.prepared = False
        self.wsgi = make_wsgi(self.application, settings)
        self._courier = Courier(self.runtime, self.runtime.serving_engine, self._render_callback)
        self._started = False
        self._stopped = threading.Event()
        self._scheduler = Scheduler(self.runtime)
        holder = f"{platform.node()[:40]}/{os.getpid()}"
        self._housekeeper = Housekeeper(self.runtime, holder)
        self._tracker = RunTracker(self.runtime, holder)

    def start(self) -> bool:
        """Start; returns when jobs can run. While the store is unavailable, this waits, and requests get 503.

        False, with nothing started, if `give_up` or `stop` was called meanwhile.
        """
        if not prepare_store(self.runtime, self._stopped):
            return False
        self._started = self.application.prepared = True
        if self.settings.engine.kind == "embedded":
            clear_work(self.runtime)
        self.runtime.serving_engine.start()
        self._courier.start()
        self._housekeeper.start()
        self._scheduler.start()
        self._tracker.start()
        return True

    def give_up(self) -> None:
        """Stop waiting for the store."""
        self._stopped.set()

    def stop(self, policy: ClosePolicy | None = None) -> None:
        """Stop; no process is left when this returns. Jobs that wait in the store run after the next start."""
        self._stopped.set()
        if not self._started:
            return
        chosen = policy or ClosePolicy(self.settings.engine.close)
        self._scheduler.stop()  # first: close=join would wait for its jobs too
        self._tracker.stop()
        self.runtime.serving_engine.drain(chosen, self.settings.engine.close_grace_s)
        self._housekeeper.stop()
        self._courier.stop()
        for thread in (self._courier, self._scheduler, self._housekeeper, self._tracker):
            if thread.is_alive():
                thread.join(timeout=5)

    def close(self) -> None:
        """Close the connections to the store; no request may be answered after this."""
        self.runtime.deployer.close()
        self.runtime.store.close()

    def _render_callback(self, callback: Callback) -> bytes:
        return render_callback(self.application.services_of(SYSTEM), self.settings, callback)


def main(global_config: Mapping[str, str], **pairs: str) -> WsgiApplication:
    """PasteDeploy factory (`egg:weaver_like`): the engine starts with the application."""
    ini = global_config.get("__file__")
    path = Path(ini) if ini else None
    service = Service(settings_module.load(path, os.environ, pairs=pairs))
    service.start()
    return service.wsgi


def make_wsgi(application: Application, settings: Settings) -> WsgiApplication:
    """The WSGI application: every face, behind one edge."""
    config = Configurator(settings={"handle_exceptions": False})
    config.include("cornice")
    add_edge(config, application, settings)
    config.include("weaver_like.faces.ogcapi.routes")
    return Proxies(config.make_wsgi_app(), settings.server.trusted_hops)
