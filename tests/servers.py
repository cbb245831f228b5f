"""Database servers and brokers that a test may kill and start again: how each is found, started and asked."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Self

import kombu
import psutil
from amqp.exceptions import AMQPError
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis as RedisClient
from redis import RedisError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.waiting import wait_until

START_LIMIT_S = 90
#: Below the ports that the kernel gives to clients: while a killed server is away, no client of anybody gets its port.
PORTS = range(15000, 32000)


def listens(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    return next(port for port in random.sample(PORTS, 100) if not listens(port))


def _runs(process: psutil.Process) -> bool:
    """Whether it runs; one that nobody has reaped yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class PrivateServer(ABC):
    """A server of our own on a free port: `start`, then `kill` or `stop` and `start` again on the same data and port; `close` at the end.

    It ends with the process that started it, however that one ends: the kernel kills it then.
    """

    variable: str  #: of the environment; the URL of a server to be used instead
    package: str  #: of Debian; brings the programs
    standard: tuple[str, ...]  #: URLs with the usual test accounts on the usual port
    programs: tuple[str, ...]
    folders: tuple[str, ...] = ()  #: where the programs are, beside PATH
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="weaver_like_"))
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @classmethod
    def program(cls, name: str) -> str | None:
        return shutil.which(name, path=os.pathsep.join([*cls.folders, os.environ.get("PATH", os.defpath), "/usr/sbin"]))

    @classmethod
    def missing(cls) -> str:
        """Why no private server can be started; empty if one can."""
        lacking = [name for name in (*cls.programs, "setpriv") if cls.program(name) is None]
        return f"no {', '.join(lacking)}: install the Debian package {cls.package}" if lacking else ""

    @property
    @abstractmethod
    def url(self) -> str:
        """Of an empty database (a virtual host); the same after each start."""

    @staticmethod
    @abstractmethod
    def answers(url: str) -> bool:
        """Whether a server is there that lets us in."""

    @abstractmethod
    def command(self) -> list[str]:
        """What starts the server, in the foreground."""

    def prepare(self) -> None:  # noqa: B027, most need nothing
        """Make what the first start needs, in `folder`."""

    def start(self) -> Self:
        """Start it and wait until it answers. Raises: AssertionError with the end of its log."""
        if self.process is None:
            self.prepare()
        self.process = self.run(self.command())
        wait_until(
            lambda: self.process.poll() is not None or (listens(self.port) and self.answers(self.url)),
            START_LIMIT_S,
            self.programs[0],
        )
        assert self.process.poll() is None, (
            f"{self.programs[0]} ended: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}"
        )
        return self

    def kill(self) -> None:
        """End it as a crash does: SIGKILL, to the server and to all that it started."""
        started = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        for child in started:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()
        wait_until(lambda: not any(map(_runs, started)), what="the end of the killed server's children")

    def stop(self, limit_s: float = 60) -> None:
        """End it as an operator does, and wait for its end."""
        self.process.send_signal(self.stop_signal)
        self.process.wait(limit_s)

    def close(self) -> None:
        """Kill it, if it runs, and remove its data."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def user(self) -> pwd.struct_passwd | None:
        """Whom its programs run as; none: as we do."""
        return None

    def run(self, command: list[str], **environment: str) -> subprocess.Popen:
        """Start a program in the folder; its output goes to the file "log" there."""
        change = (
            ["--reuid", str(self.user.pw_uid), "--regid", str(self.user.pw_gid), "--clear-groups"] if self.user else []
        )
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *change, *command],
                cwd=self.folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


class MongoDB(PrivateServer):
    """mongod of PATH, or of the wheel in requirements-test.txt. An answered write may be lost in a kill unless it waited for the journal."""

    variable, package = "WEAVER_LIKE_TEST_MONGODB", "libcurl4, beside requirements-test.txt"
    standard = ("mongodb://127.0.0.1:27017",)
    programs = ("mongod",)
    folders = tuple(f"{entry}/fiftyone/db/bin" for entry in sys.path)

    @classmethod
    def missing(cls) -> str:
        for program in (Path(folder, "mongod") for folder in cls.folders):
            if program.is_file() and not os.access(program, os.X_OK):
                program.chmod(0o755)
        found = cls.program("mongod")
        # The wheel brings no libraries: on a machine without libcurl or libssl it does not run.
        broken = found and subprocess.run([found, "--version"], capture_output=True, text=True)
        return (
            f"{found} does not run: {broken.stderr.strip()}; install {cls.package}"
            if broken and broken.returncode
            else super().missing()
        )

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/weaver_like"

    @staticmethod
    def answers(url: str) -> bool:
        try:
            with MongoClient(url, serverSelectionTimeoutMS=200) as client:
                return bool(client.list_database_names())
        except PyMongoError:
            return False

    def command(self) -> list[str]:
        return [
            self.program("mongod"),
            "--port",
            str(self.port),
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
            "--quiet",
            "--dbpath",
            str(self.folder),
            "--wiredTigerCacheSizeGB",
            "0.25",
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
        ]


def _selects(url: str, question: str) -> bool:
    """Whether an SQL server lets us in and answers the question with something true."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            return bool(connection.execute(text(question)).scalar())
    except SQLAlchemyError:
        return False


class PostgreSQL(PrivateServer):
    """PostgreSQL; as another user if we are root, which it refuses. Without fsync: a kill loses nothing, a power cut would."""

    variable, package = "WEAVER_LIKE_TEST_POSTGRESQL", "postgresql"
    standard = (
        *(f"postgresql+psycopg://{account}127.0.0.1:5432/postgres" for account in ("root@", "postgres@", "")),
        "postgresql+psycopg:///postgres?host=/var/run/postgresql",
    )  # without an account: that of the system's user
    programs = ("postgres", "initdb")
    folders = tuple(sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True))
    stop_signal = signal.SIGINT  # "fast": it does not wait until the clients have gone

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @staticmethod
    def answers(url: str) -> bool:
        return _selects(url, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")

    @property
    def user(self) -> pwd.struct_passwd | None:
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        return None if os.geteuid() else names.get("postgres") or names["nobody"]

    def prepare(self) -> None:
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        made = self.run(
            [
                self.program("initdb"),
                "-D",
                "data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        assert made.wait(START_LIMIT_S) == 0, (self.folder / "log").read_text()

    def command(self) -> list[str]:
        given = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        return [
            self.program("postgres"),
            "-D",
            "data",
            *(part for name, value in given.items() for part in ("-c", f"{name}={value}")),
        ]


class MariaDB(PrivateServer):
    """MariaDB; root needs no password."""

    variable, package = "WEAVER_LIKE_TEST_MARIADB", "mariadb-server"
    standard = (
        "mariadb+pymysql://root@127.0.0.1:3306/",
        "mariadb+pymysql://root@/?unix_socket=/run/mysqld/mysqld.sock",
    )
    programs = ("mariadbd", "mariadb-install-db")

    @property
    def url(self) -> str:
        return f"mariadb+pymysql://root@127.0.0.1:{self.port}/test"

    @staticmethod
    def answers(url: str) -> bool:
        return _selects(url, "SELECT 1")

    def prepare(self) -> None:
        made = self.run(
            [
                self.program("mariadb-install-db"),
                "--no-defaults",
                *self._place(),
                "--auth-root-authentication-method=normal",
            ]
        )
        assert made.wait(START_LIMIT_S) == 0, (self.folder / "log").read_text()

    def command(self) -> list[str]:
        return [
            self.program("mariadbd"),
            "--no-defaults",
            *self._place(),
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
        ]

    def _place(self) -> list[str]:
        # It runs as root only if it is told to.
        return [
            f"--datadir={self.folder}/data",
            *(["--user=root"] if os.geteuid() == 0 else []),
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M",
        ]


class Redis(PrivateServer):
    """Redis with its append-only file: what was answered survives a kill."""

    variable, package = "WEAVER_LIKE_TEST_REDIS", "redis-server"
    standard = ("redis://127.0.0.1:6379",)
    programs = ("redis-server",)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/1"

    @staticmethod
    def answers(url: str) -> bool:
        try:
            with RedisClient.from_url(url, socket_timeout=3) as client:
                return client.ping()
        except RedisError:
            return False

    def command(self) -> list[str]:
        return [
            self.program("redis-server"),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
            "--appendonly",
            "yes",
            "--save",
            "",
        ]


class RabbitMQ(PrivateServer):
    """RabbitMQ with a node name, a port mapper (epmd) and folders of its own, apart from any other broker of the machine."""

    variable, package = "WEAVER_LIKE_TEST_RABBITMQ", "rabbitmq-server"
    standard = ("amqp://guest:guest@127.0.0.1:5672//",)
    programs = ("rabbitmq-server", "epmd")
    folders = (
        "/usr/lib/rabbitmq/bin",
    )  # Debian's in /usr/sbin are wrappers that become the user of the installed broker

    def __init__(self) -> None:
        super().__init__()
        self._mapper: subprocess.Popen | None = None
        self._mapper_port, self._node_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @staticmethod
    def answers(url: str) -> bool:
        try:
            with kombu.Connection(url, connect_timeout=3) as connection:
                return connection.ensure_connection(max_retries=1, interval_start=0).connected
        except (OSError, AMQPError, kombu.exceptions.KombuError):
            return False

    def prepare(self) -> None:
        (self.folder / "own.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._mapper = self.run([self.program("epmd"), "-port", str(self._mapper_port), "-address", "127.0.0.1"])

    def command(self) -> list[str]:
        return [self.program("rabbitmq-server")]

    def run(self, command: list[str], **environment: str) -> subprocess.Popen:
        places = {
            "CONF_ENV_FILE": "none",
            "CONFIG_FILE": "own",
            "MNESIA_BASE": "mnesia",
            "LOG_BASE": "logs",
            "ENABLED_PLUGINS_FILE": "plugins",
            "PID_FILE": "pid",
        }
        own = {f"RABBITMQ_{name}": str(self.folder / place) for name, place in places.items()} | {
            "RABBITMQ_NODENAME": f"weaver_like_{self.port}@localhost",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            # The script replaces itself by the server instead of watching it as a child: a kill then meets the server.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return super().run(command, **own, **environment)

    def close(self) -> None:
        super().close()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()


KINDS = (MongoDB, PostgreSQL, MariaDB, Redis, RabbitMQ)
