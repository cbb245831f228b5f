"""Database servers that a test may kill and start again."""

import os
import pwd
import signal
import subprocess
import sys
from glob import glob
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.support.servers import START_LIMIT_S, PrivateServer


class MongoDB(PrivateServer):
    """mongod of PATH, or of the wheel in requirements-test.txt.

    An answered write may be lost in a kill unless it waited for the journal.
    """

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
    """PostgreSQL; as another user if we are root, which it refuses.

    Without fsync: a kill loses nothing, a power cut would.
    """

    variable, package = "WEAVER_LIKE_TEST_POSTGRESQL", "postgresql"
    unsynced = True
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
    """MariaDB; root needs no password.

    It syncs no file: a kill loses nothing, a power cut would.
    """

    variable, package = "WEAVER_LIKE_TEST_MARIADB", "mariadb-server"
    unsynced = True
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
            "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            "--sync-frm=off",
            "--skip-log-bin",
            "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M",
        ]
