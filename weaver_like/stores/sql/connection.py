"""Connections of one OS process to one database."""
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from weaver_like.domain.errors import SettingError


class Database:
    """One engine; `reading` and `writing` give a connection for the length of one transaction.

    SQLite: WAL; every write begins with BEGIN IMMEDIATE, because a deferred transaction that turns into a write fails
    under contention whatever the busy timeout is; reads run outside a transaction, one statement each.
    """

    def __init__(self, url: str, synchronous: str, connections: int):
        try:
            self.url = make_url(url)
        except ArgumentError as error:
            raise SettingError(f"The setting 'store.url' is no database URL: {error}") from error
        self.sqlite = self.url.get_backend_name() == "sqlite"
        options = {"connect_args": {"timeout": 30, "check_same_thread": False}} if self.sqlite else {"pool_pre_ping": True}
        try:
            self.engine: Engine = create_engine(self.url, pool_size=connections, max_overflow=connections, **options)
        except (ImportError, ArgumentError) as error:
            raise SettingError(f"The setting 'store.url' asks for a driver that is not here: {error}.") from error
        if self.sqlite:
            self._prepare_sqlite(synchronous)
        self._reads = self.engine.execution_options(reads=True)

    def _prepare_sqlite(self, synchronous: str) -> None:
        @event.listens_for(self.engine, "connect")
        def configure(connection: object, _record: object) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "busy_timeout=30000", "cache_size=-4096", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(self.engine, "begin")
        def begin(connection: Connection) -> None:
            if not connection.get_execution_options().get("reads"):
                connection.exec_driver_sql("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._reads.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()
