"""Applications for webtest: a started service in this process, with real workers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support import systems
from weaver_like import settings as settings_module
from weaver_like.app import Service
from weaver_like.engines.base import ClosePolicy


def make_service(folder: Path, *overrides: str) -> Service:
    """A started service in this process, with its own folder and two real workers."""
    given = [
        f"files.data_dir={folder}",
        "processes.testing=true",
        "engine.workers=2",
        "log.level=WARNING",
        *systems.current[0].settings(folder),
        *overrides,
    ]
    service = systems.TestedService(settings_module.load(overrides=given), given)
    service.start()
    return service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of a session that do not ask for settings of their own; loopback may be reached."""
    started = make_service(tmp_path_factory.mktemp("service"), "security.allowed_hosts=127.0.0.1")
    yield started
    started.stop(ClosePolicy.KILL)


@pytest.fixture(scope="session")
def app(service: Service) -> TestApp:
    """Requests to the WSGI application, as webtest sends them."""
    return TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., TestApp]]:
    """Makes an application with settings of its own: `make_app("limits.queue=1")`; `.service` is its service."""
    started: list[Service] = []

    def make(*overrides: str, folder: Path | None = None) -> TestApp:
        made = make_service(folder or tmp_path / f"data{len(started)}", *overrides)
        started.append(made)
        application = TestApp(made.wsgi, extra_environ={"HTTP_HOST": "localhost"})
        application.service = made
        return application

    yield make
    for made in started:
        made.stop(ClosePolicy.KILL)
