"""The same tests on several systems: `pytest --system mongodb-celery-rabbitmq tests/flow tests/conformance`."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.services import mongo_database, own_name, sql_database
from weaver_like.app import Service
from weaver_like.engines.base import ClosePolicy
from weaver_like.settings import Settings

#: Name -> store, broker. The first one needs no other service.
SYSTEMS = {
    "sqlite-embedded": (None, None),
    "mongodb-celery-rabbitmq": ("mongodb_server", "rabbitmq_url"),
    "postgresql-celery-redis": ("postgresql_server", "redis_database"),
    "mariadb-embedded": ("mariadb_server", None),
}
_DATABASES: dict[str, Callable] = {
    "mongodb_server": mongo_database,
    "postgresql_server": lambda server: sql_database(server, ["DROP DATABASE {name} WITH (FORCE)"]),
    "mariadb_server": lambda server: sql_database(server, ["SET lock_wait_timeout = 10", "DROP DATABASE {name}"]),
}


class System:
    """Gives each data folder a database of its own, and workers where the engine needs them."""

    def __init__(self, stack: ExitStack, make_database: Callable | None, broker: str | None):
        self._stack = stack
        self._make_database = make_database
        self._broker = broker
        self._installations: dict[Path, list[str]] = {}

    @property
    def embedded(self) -> bool:
        return self._broker is None

    def settings(self, folder: Path) -> list[str]:
        """What an installation in a folder needs; the same folder is the same installation."""
        if folder not in self._installations:
            store = [f"store.url={self._stack.enter_context(self._make_database())}"] if self._make_database else []
            broker = (
                ["engine.kind=celery", f"celery.broker_url={self._broker}", f"celery.prefix={own_name()}"]
                if self._broker
                else []
            )
            self._installations[folder] = store + broker
        return self._installations[folder]


class Workers:
    """A Celery worker process, as an operator starts it, up when this returns."""

    def __init__(self, folder: Path, overrides: Sequence[str]):
        settings = [
            part for override in [*overrides, "log.level=INFO", "engine.close=kill"] for part in ("--set", override)
        ]
        bound = (
            ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        )  # it does not outlive a run that was ended by force
        command = [*bound, str(Path(sys.executable).parent / "weaver-like"), "worker", "--data", str(folder), *settings]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=dict(os.environ), start_new_session=True
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(ready,), daemon=True).start()
        assert ready.wait(60), "the worker did not come up"

    def _read(self, ready: threading.Event) -> None:
        for line in self.process.stderr:
            if line.rstrip().endswith("ready."):
                ready.set()
            elif "Error" in line or "Traceback" in line:
                sys.stderr.write(line)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class TestedService(Service):
    """A service with its workers, wherever they are."""

    def __init__(self, settings: Settings, overrides: Sequence[str]):
        super().__init__(settings)
        self._overrides = overrides
        self._workers: Workers | None = None

    def start(self) -> None:
        super().start()
        if self.settings.engine.kind == "celery":
            self._workers = Workers(self.settings.data_dir, self._overrides)

    def stop(self, policy: ClosePolicy | None = None) -> None:
        super().stop(policy)
        self.close()
        if self._workers is not None:
            self._workers.stop()
            self._workers = None


#: Of this run; set before the first test. Benchmarks start services without pytest, on the first system.
current: list[System] = [System(ExitStack(), None, None)]


@pytest.fixture(scope="session", autouse=True)
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    """The system that this run is about."""
    store, broker = SYSTEMS[request.config.getoption("--system")]
    with ExitStack() as stack:
        server = request.getfixturevalue(store) if store else None
        make_database = (lambda: _DATABASES[store](server)) if store else None
        current[:] = [System(stack, make_database, request.getfixturevalue(broker) if broker else None)]
        yield current[0]
