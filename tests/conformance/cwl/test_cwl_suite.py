"""The official conformance suite of CWL v1.2, test by test; it is asked for by naming its folder."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.cwl.driver import KNOWN, Driver
from tests.conformance.cwl.inputs import Dress, serve_files
from tests.conformance.cwl.server import Server
from tests.conformance.cwl.suite import DOCKER_VARIABLE, FOLDER_VARIABLE, Case, read_suite
from tests.support.client import Served

#: Read now: services refuse variables that name no setting, so that these are gone when tests run.
FOLDER = os.environ.get(FOLDER_VARIABLE)
WITH_DOCKER = os.environ.get(DOCKER_VARIABLE) == "1"


def parameters() -> list:
    """Every test of the suite, or one that says why there is none."""
    if not FOLDER:
        return [
            pytest.param(
                None, id="suite", marks=pytest.mark.skip(reason=f"{FOLDER_VARIABLE} names no folder with the suite")
            )
        ]
    known = {id: [pytest.mark.xfail(reason=reason, strict=True)] for id, reason in KNOWN.items()}
    return [pytest.param(case, id=case.id, marks=known.get(case.id, [])) for case in read_suite(Path(FOLDER))]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A server of its own for these tests, and the suite's files on the web."""
    folder = Path(FOLDER).resolve()
    served = Served(tmp_path_factory.mktemp("cwl") / "data", "log.level=ERROR").start()
    try:
        with serve_files(folder) as files_url:
            yield Driver(Server(served.url), folder, files_url, with_docker=WITH_DOCKER)
    finally:
        served.stop()


@pytest.mark.parametrize("dress", Dress)
@pytest.mark.parametrize("case", parameters())
def test_cwl(case: Case, dress: Dress, driver: Driver) -> None:
    reason = driver.skip_reason(case)
    if reason:
        pytest.skip(reason)
    replace(driver, dress=dress).check(case)
