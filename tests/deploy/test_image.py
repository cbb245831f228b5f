"""The image: built and run where a container engine answers and the base
image is to be had; else skipped with the reason."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
#: Another base image, of a Python 3.11 or newer with venv, where the usual one is not to be had.
VARIABLE = "WEAVER_LIKE_TEST_BASE_IMAGE"
CHOSEN = os.environ.get(VARIABLE)  # now: later no variable of ours is left that is no setting


def engine(*arguments: str, check: bool = True, limit_s: float = 60) -> str:
    ended = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, timeout=limit_s)
    assert not check or ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout + ended.stderr


ENGINE = shutil.which("docker") or shutil.which("podman") or ""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    if not ENGINE:
        pytest.skip("neither docker nor podman is installed")
    try:
        info = subprocess.run([ENGINE, "info"], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{ENGINE} does not answer")
    if info.returncode:
        pytest.skip(f"no engine answers {ENGINE}: {info.stderr.strip()[-200:]}")
    text = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
    base = CHOSEN or re.search(r"^ARG PYTHON=(\S+)$", text, re.MULTILINE)[1]
    if (
        subprocess.run([ENGINE, "image", "inspect", base], capture_output=True).returncode
        and subprocess.run([ENGINE, "pull", base], capture_output=True, timeout=300).returncode
    ):
        pytest.skip(f"the base image {base} is not to be had; {VARIABLE} may name another")
    name = f"weaver-like-test-{uuid4().hex[:8]}"
    engine(
        "build",
        "--network",
        "host",
        "--build-arg",
        f"PYTHON={base}",
        "-f",
        str(ROOT / "docker" / "Dockerfile"),
        "-t",
        name,
        str(ROOT),
        limit_s=900,
    )
    yield name
    engine("rmi", "-f", name, check=False)


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """A container as docker/compose.small.yml runs it, without the port."""
    name = f"{image}-run"
    engine(
        "run",
        "-d",
        "--name",
        name,
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        image,
    )
    yield name
    engine("rm", "-f", "-v", name, check=False)


def test_it_serves_without_rights_and_stops_at_a_signal(container: str) -> None:
    health = ["exec", container, "/app/bin/python", "/usr/local/bin/healthcheck"]
    wait_until(
        lambda: subprocess.run([ENGINE, *health], capture_output=True).returncode == 0,
        60,
        "the health of the container",
    )
    assert engine("exec", container, "id", "-u").strip() == "10001"
    assert "ermission denied" in engine("exec", container, "cat", "/proc/1/environ", check=False)
    engine("stop", "-t", "40", container)
    assert engine("inspect", container, "--format", "{{.State.ExitCode}}").strip() == "0"
