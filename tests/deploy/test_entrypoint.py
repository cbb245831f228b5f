"""docker/entrypoint and docker/healthcheck, run as in a container, on a folder of their own."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.children import family_of, gone
from tests.support.servers import free_port
from tests.support.waiting import wait_until

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent


class Container:
    """The entrypoint with the environment that the image gives it."""

    def __init__(self, root: Path, *arguments: str, **environment: str):
        self.root = root
        self.output = root / "output.txt"
        self.port = free_port()
        image = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "CONTAINER_MODE": "all",
            "WEAVER_LIKE_FILES_DATA_DIR": str(root / "data"),
            "WEAVER_LIKE_SERVER_HOST": "127.0.0.1",
            "WEAVER_LIKE_SERVER_PORT": str(self.port),
            "HOME": str(root),
        }
        self.environment = image | environment
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(DOCKER / "entrypoint"), *arguments],
                env=self.environment,
                cwd=root,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def healthy(self) -> bool:
        return subprocess.run([sys.executable, str(DOCKER / "healthcheck")], env=self.environment).returncode == 0

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Container]]:
    started: list[Container] = []

    def make(*arguments: str, **environment: str) -> Container:
        root = tmp_path / f"root{len(started)}"
        root.mkdir()
        started.append(Container(root, *arguments, **environment))
        return started[-1]

    yield make
    for container in started:
        container.stop()


def file_with(folder: Path, text: str) -> str:
    path = folder / "secret"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_is_a_server_with_the_embedded_engine(run: Callable[..., Container], number: int) -> None:
    container = run()
    wait_until(lambda: " answers at " in container.said, 30, "the start")
    wait_until(lambda: container.healthy, 20, "the health of the container")
    seen = family_of(container.process.pid)
    assert any(one.is_worker for one in seen)
    assert container.stop(number) == 0
    gone(seen, 2)
    assert not container.healthy


def test_server_and_worker_do_jobs_through_the_broker(
    run: Callable[..., Container], tmp_path: Path, redis_url: str, celery_prefix: str
) -> None:
    """The address of the broker comes from a file, as a secret does; the store is one that both can reach."""
    common = {
        "WEAVER_LIKE_CELERY_BROKER_URL_FILE": file_with(tmp_path, redis_url + "\n"),
        "WEAVER_LIKE_CELERY_PREFIX": celery_prefix,
        "WEAVER_LIKE_STORE_URL": f"sqlite:///{tmp_path}/jobs.sqlite",
        "WEAVER_LIKE_FILES_OUTPUTS_DIR": str(tmp_path / "outputs"),
        "WEAVER_LIKE_PROCESSES_TESTING": "true",
    }
    server = run(CONTAINER_MODE="server", **common)
    wait_until(lambda: " answers at " in server.said, 30, "the start of the server")
    worker = run(CONTAINER_MODE="worker", CONCURRENCY="1", QUEUES="default", POOL="prefork", **common)
    wait_until(lambda: worker.healthy and server.healthy, 30, "their health")
    (web,) = [seen for seen in family_of(server.process.pid) if seen.parent == server.process.pid]
    assert len([seen for seen in family_of(web.pid) if seen.parent == web.pid]) == 2
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/processes/greet/execution",
        b'{"inputs": {"name": "x"}}',
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.read() == b"Hello x"
    seen = [*family_of(server.process.pid), *family_of(worker.process.pid)]
    assert server.stop() == 0
    assert worker.stop() == 0
    gone(seen, 5)
    assert not worker.healthy


def test_arguments_are_run_instead(run: Callable[..., Container]) -> None:
    container = run("settings")
    assert container.process.wait(30) == 0
    assert "store.url = " in container.said


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CONTAINER_MODE": "both"}, "CONTAINER_MODE is 'both'"),
        ({"WEAVER_LIKE_STORE_URL_FILE": "/nowhere"}, "WEAVER_LIKE_STORE_URL_FILE names /nowhere"),
        ({"WEAVER_LIKE_STORE_URL_FILE": "/dev/null", "WEAVER_LIKE_STORE_URL": "sqlite://"}, "both given"),
        ({"AWS_SECRET_ACCESS_KEY_FILE": "/nowhere"}, "AWS_SECRET_ACCESS_KEY_FILE names /nowhere"),
        ({"WEAVER_LIKE_NO_SUCH_FILE": "/dev/null"}, "WEAVER_LIKE_NO_SUCH_FILE is not a setting"),
        ({"WEAVER_LIKE_STORE_URL": "nonsense"}, "store.url"),
    ],
)
def test_what_is_wrong_ends_the_container_with_the_reason(
    run: Callable[..., Container], environment: dict[str, str], told: str
) -> None:
    container = run(**environment)
    assert container.process.wait(30) != 0
    assert told in container.said
    assert "Traceback" not in container.said


def test_the_exit_code_of_what_runs_is_the_container_s(run: Callable[..., Container]) -> None:
    container = run()
    wait_until(lambda: " answers at " in container.said, 30, "the start")
    server = next(seen for seen in family_of(container.process.pid) if seen.parent == container.process.pid)
    os.kill(server.pid, signal.SIGKILL)
    assert container.process.wait(30) == 128 + signal.SIGKILL
