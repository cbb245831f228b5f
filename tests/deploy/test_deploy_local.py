"""`weaver-like deploy-local`: parts that are started in order, started again when they die, and ended in order."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.children import Seen, family_of, gone, kill
from tests.support.client import Served, end_of
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from weaver_like.cli.programs import Plan, programs

pytest.importorskip("celery", reason="the extra `celery` is not installed")
pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
#: Without it the same is tried on SQLite.
MONGOD = shutil.which("mongod") or any(
    (Path(folder) / "fiftyone" / "db" / "bin" / "mongod").is_file() for folder in sys.path
)
COMMAND = str(Path(sys.executable).parent / "weaver-like")


class Deployed(Served):
    """A supervisor in a process of its own. said: its lines so far."""

    def start(self) -> "Deployed":
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.output = self.folder.parent / "said.txt"
        store = [] if MONGOD else ["--store-url", f"sqlite:///{self.folder}/weaver_like.sqlite"]
        command = [
            COMMAND,
            "deploy-local",
            "--port",
            str(port),
            "--data",
            str(self.folder),
            *store,
            "--concurrency",
            "1",
            "--set",
            "processes.testing=true",
            "--set",
            "engine.close_grace_s=1",
        ]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        wait_until(lambda: " answers at " in self.said or self.process.poll() is not None, 60, "the start")
        assert self.process.poll() is None, self.said
        return self

    @property
    def said(self) -> str:
        return self.output.read_text()

    def stop(self, number: int = signal.SIGINT, limit_s: float = 60) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(limit_s)

    def parts(self, word: str) -> list[Seen]:
        """Direct children whose command has a word."""
        return [
            seen for seen in family_of(self.process.pid) if seen.parent == self.process.pid and word in seen.command
        ]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[[], Deployed]]:
    started: list[Deployed] = []

    def make() -> Deployed:
        started.append(Deployed(tmp_path / "data").start())
        return started[-1]

    yield make
    for deployed in started:
        deployed.stop()


def test_every_part_runs_is_started_again_and_ends_in_order(deploy: Callable[[], Deployed]) -> None:
    deployed = deploy()
    assert len(deployed.parts("worker")) == 2
    (web,) = deployed.parts(" serve ")
    assert len([seen for seen in family_of(web.pid) if seen.parent == web.pid]) == 2
    assert end_of(deployed, deployed.submit("greet", {"name": "x"}))["status"] == "successful"
    kill(deployed.parts("worker")[0], web, deployed.parts("redis")[0])
    wait_until(lambda: deployed.said.count("restarting in 1 s") == 3, 10, "the notes of three deaths")
    wait_until(
        lambda: deployed.parts(" serve ") and deployed.parts("redis") and len(deployed.parts("worker")) == 2,
        20,
        "the new parts",
    )

    def answers() -> bool:
        try:
            return deployed.get("/health/ready")[0] == 200
        except OSError:  # nobody listens yet
            return False

    wait_until(answers, 30, "the answer of the new web")
    assert end_of(deployed, deployed.submit("greet", {"name": "y"}), 40)["status"] == "successful"
    second = subprocess.run(
        [
            COMMAND,
            "deploy-local",
            "--data",
            str(deployed.folder),
            "--port",
            str(free_port()),
            "--store-url",
            "sqlite://",
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert f"is already running in {deployed.folder} (process {deployed.process.pid})" in second.stderr
    seen = family_of(deployed.process.pid)
    assert deployed.stop() == 0
    gone(seen, 1)
    told = [line.split()[1] for line in deployed.said.splitlines() if line.startswith("stopping ")]
    assert told == ["web", "worker-1", "worker-2", "redis", *(["mongod"] if MONGOD else [])]
    logs = {path.name for path in (deployed.folder / "logs").iterdir()}
    assert {"web.log", "worker-1.log", "worker-2.log", "redis.log"} <= logs


def test_nothing_outlives_a_supervisor_that_was_killed(deploy: Callable[[], Deployed]) -> None:
    deployed = deploy()
    seen = family_of(deployed.process.pid)
    deployed.stop(signal.SIGKILL)
    gone(seen, 20)


def refusal(folder: Path, *options: str, **environment: str) -> str:
    command = [COMMAND, "deploy-local", "--data", str(folder), "--store-url", "sqlite://", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ | environment)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_program_that_is_not_installed_is_named_with_its_package(tmp_path: Path) -> None:
    text = refusal(tmp_path, "--port", str(free_port()), PATH="/nowhere")
    assert "redis-server is not installed" in text
    assert "--broker-url" in text


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "Another port" in refusal(tmp_path, "--port", str(taken.getsockname()[1]))


def test_a_part_that_does_not_come_up_ends_the_start_with_its_log(tmp_path: Path) -> None:
    text = refusal(tmp_path, "--port", str(free_port()), "--set", "server.threads=1")
    assert "server.threads" in text
    text = refusal(tmp_path, "--port", str(free_port()), "--broker-url", "smtp://127.0.0.1/")
    assert "web.log says why" in text


def test_addresses_with_passwords_are_in_no_command_line_and_in_no_foreign_environment(tmp_path: Path) -> None:
    plan = Plan(
        tmp_path,
        "127.0.0.1",
        free_port(),
        2,
        2,
        [],
        ["--data", str(tmp_path)],
        "postgresql+psycopg://user:secret@db/x",
        "",
        10,
    )
    chosen = programs(plan)
    assert not any("secret" in word for program in chosen for word in program.command)
    assert [program.name for program in chosen if "secret" in str(program.environment)] == [
        "web",
        "worker-1",
        "worker-2",
    ]
