"""The official schemas, and jobs in every state that several files look at."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from webtest import TestApp

from tests.support.answers import api_of
from tests.support.applications import make_service
from tests.support.client import Served, finished, submit
from tests.support.packages import sweep
from tests.support.places import ROOT
from tests.support.plugin_makers import source
from tests.support.waiting import wait_until
from weaver_like.engines.base import ClosePolicy

SCHEMAS = Path(os.environ.get("OGC_SCHEMAS") or ROOT.parent / "shared" / "schemas" / "ogcapi")
#: `format: uri` of the 2.0 draft's `processID` is not asserted: 1.0 has the plain id under the same name.
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@cache
def _load(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")), format_checker=_FORMATS)


@pytest.fixture(scope="session")
def schema() -> Callable[[str], Draft202012Validator]:
    """`schema("part1-1.0/statusInfo")`: the official schema of that name, as a validator (Draft 2020-12)."""
    if not SCHEMAS.is_dir():
        pytest.skip("The folder of the official schemas is not there; OGC_SCHEMAS names it.")
    return _load


@pytest.fixture(scope="module")
def swept(app: TestApp) -> Iterator[None]:
    """What the tests of a file deploy goes with it."""
    yield
    sweep(app)


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An application that offers processes of each kind of job control."""
    folder = tmp_path_factory.mktemp("modes")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "modes.py").write_text(source("modes"), "utf-8")
    service = make_service(folder)
    yield TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    service.stop(ClosePolicy.KILL)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """An application with a single worker and nothing to do yet: what comes second waits."""
    service = make_service(tmp_path_factory.mktemp("queue"), "engine.workers=1")
    yield TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    service.stop(ClosePolicy.KILL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server in a process of its own, for what only shows on a socket."""
    started = Served(tmp_path_factory.mktemp("server")).start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def successful_job(app: TestApp) -> str:
    """An echo of three inputs; all outputs were wanted, in no particular form."""
    job_id = submit(app, "echo", {"message": "héllo", "number": 1.5, "flag": False})
    assert finished(app, job_id)["status"] == "successful"
    return job_id


@pytest.fixture(scope="session")
def failed_job(app: TestApp) -> str:
    job_id = submit(app, "fail", {"message": "nothing works"})
    assert finished(app, job_id)["status"] == "failed"
    return job_id


@pytest.fixture
def running_job(app: TestApp) -> Iterator[str]:
    """A job that runs for as long as the test needs it."""
    job_id = submit(app, "sleep", {"delay": 30})
    wait_until(lambda: app.get(f"/jobs/{job_id}").json["status"] == "running", what="the start of the job")
    yield job_id
    if app.get(f"/jobs/{job_id}", status="*").json.get("status") == "running":
        app.delete(f"/jobs/{job_id}")


@pytest.fixture(scope="session")
def dismissed_job(app: TestApp) -> str:
    job_id = submit(app, "sleep", {"delay": 30})
    assert app.delete(f"/jobs/{job_id}").json["status"] == "dismissed"
    return job_id


@pytest.fixture(scope="module")
def api(app: TestApp) -> dict:
    return api_of(app)
