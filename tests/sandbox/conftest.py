"""A service with small limits, which hostile packages meet soon."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.sandbox.packages import Packages
from tests.support.applications import make_service
from weaver_like.engines.base import ClosePolicy
from weaver_like.sandbox.launch import bubblewrap_users

LIMITS = (
    "sandbox.processes=40",
    "limits.work_bytes=20000000",
    "limits.work_files=2000",
    "jobs.memory_limit_bytes=400000000",
    "jobs.log_lines=200",
    "jobs.cancel_grace_s=0.2",
)


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the machine that no job may see, and that is in no folder of the server's own."""
    path = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    path.write_text("TOPSECRET")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("confined")


@pytest.fixture(scope="module")
def packages(folder: Path) -> Iterator[Packages]:
    """Of a service that confines commands with bubblewrap."""
    trouble = bubblewrap_users()[1]
    if trouble:
        pytest.skip(f"bubblewrap does not run here: {trouble}")
    service = make_service(folder, "sandbox.kind=bubblewrap", *LIMITS)
    yield Packages(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"}))
    service.stop(ClosePolicy.KILL)
