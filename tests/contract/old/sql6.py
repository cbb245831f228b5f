"""The SQL store of schema 6, as that release made it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, create_engine, text

from tests.contract.old import content

#: T36, T: a text, of so many characters or of any number.  DOC: bytes.  COUNTED, BIGCOUNTED: numbers by themselves.
#: ROWID: SQLite makes the table without one.
TABLES = """
schema_version (number COUNTED NOT NULL, applied BIGINT NOT NULL, PRIMARY KEY (number))
jobs (id T36 NOT NULL, process T128 NOT NULL, status T10 NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL,
 started BIGINT, finished BIGINT, progress SMALLINT NOT NULL, message T NOT NULL, priority SMALLINT NOT NULL,
 place BIGINT NOT NULL, attempt SMALLINT NOT NULL, losses SMALLINT NOT NULL, worker T80, lease BIGINT, parent T36,
 title T200, base_url T NOT NULL, queue T128 DEFAULT 'default' NOT NULL, PRIMARY KEY (id))
job_documents (job T36 NOT NULL, execution DOC NOT NULL, subscriber DOC, followers DOC, results DOC, error DOC,
 traceback T, statistics DOC, PRIMARY KEY (job))
job_logs (job T36 NOT NULL, number INTEGER NOT NULL, at BIGINT NOT NULL, level SMALLINT NOT NULL, percent SMALLINT,
 message T NOT NULL, PRIMARY KEY (job, number)) ROWID
job_steps (job T36 NOT NULL, number INTEGER NOT NULL, attempt SMALLINT NOT NULL, document DOC NOT NULL,
 PRIMARY KEY (job, number)) ROWID
outbox (id BIGCOUNTED NOT NULL, job T36 NOT NULL, kind T10 NOT NULL, uri T NOT NULL, attempts SMALLINT NOT NULL,
 due BIGINT NOT NULL, PRIMARY KEY (id))
schedules (id T36 NOT NULL, process T128 NOT NULL, cron T200 NOT NULL, time_zone T64 NOT NULL, execution DOC NOT NULL,
 created BIGINT NOT NULL, due BIGINT NOT NULL, fired BIGINT, job T36, failure T, base_url T NOT NULL, PRIMARY KEY (id))
process_revisions (process T128 NOT NULL, version T255 NOT NULL, deployed BIGINT NOT NULL, media_type T NOT NULL,
 description DOC NOT NULL, package DOC NOT NULL, PRIMARY KEY (process, version))
process_offer (id SMALLINT NOT NULL, number BIGINT NOT NULL, versions DOC NOT NULL, PRIMARY KEY (id))
leaders (role T40 NOT NULL, holder T80 NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (role))
"""
INDEXES = """
jobs_by_both ON jobs (process, status, created, id)
jobs_by_created ON jobs (created, id)
jobs_by_place ON jobs (status, place)
jobs_by_process ON jobs (process, created, id)
jobs_by_queue ON jobs (status, queue, place)
jobs_by_status ON jobs (status, created, id)
outbox_by_due ON outbox (due)
schedules_by_created ON schedules (created, id)
schedules_by_due ON schedules (due)
schedules_by_process ON schedules (process, created, id)
"""
_WORDS = {
    "sqlite": {"DOC": "BLOB", "BIGCOUNTED": "INTEGER", "COUNTED": "INTEGER", "ROWID": "WITHOUT ROWID"},
    "postgresql": {"DOC": "BYTEA", "BIGCOUNTED": "BIGSERIAL", "COUNTED": "SERIAL", "ROWID": ""},
    "mariadb": {"DOC": "LONGBLOB", "BIGCOUNTED": "BIGINT AUTO_INCREMENT", "COUNTED": "INTEGER AUTO_INCREMENT"}
    | {"ROWID": ""},
}
_END = {"sqlite": "", "postgresql": "", "mariadb": "ENGINE=InnoDB CHARSET=utf8mb4 COLLATE utf8mb4_nopad_bin"}
ROWS: dict[str, Sequence[Mapping[str, Any]]] = {
    "schema_version": [{"number": number, "applied": 1} for number in range(1, 7)],
    "jobs": content.JOB_ROWS,
    "job_documents": content.DOCUMENT_ROWS,
    "job_logs": content.LOG_ROWS,
    "job_steps": content.STEP_ROWS,
    "outbox": content.CALLBACK_ROWS,
    "schedules": content.SCHEDULE_ROWS,
    "process_revisions": content.REVISION_ROWS,
    "process_offer": [{"id": 1, "number": 2, "versions": b'{"crop":"2.0.0"}'}],
    "leaders": [{"role": "housekeeper", "holder": "host", "until": 1}],
}


def fill(url: str) -> None:
    """Make the tables in an empty database, and write what they held."""
    engine = create_engine(url)
    with engine.begin() as connection:
        make_tables(connection)
        for table, rows in ROWS.items():
            names = list(rows[0])
            values = ", ".join(f":{name}" for name in names)
            columns = ", ".join(_quoted(name, engine.dialect.name) for name in names)
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), rows)
    engine.dispose()


def make_tables(connection: Connection) -> None:
    kind = connection.dialect.name
    for table in TABLES.strip().replace("\n ", " ").split("\n"):
        words = re.sub(r"\bT(\d*)\b", lambda found: _text(kind, found.group(1)), table)
        for name, written in _WORDS[kind].items():
            words = re.sub(rf"\b{name}\b", written, words)
        words = re.sub(r"\bpackage\b", _quoted("package", kind), words)
        connection.exec_driver_sql(f"CREATE TABLE {words} {_END[kind]}")
    for index in INDEXES.strip().split("\n"):
        connection.exec_driver_sql(f"CREATE INDEX {index}")


def _text(kind: str, length: str) -> str:
    if kind == "postgresql":
        return 'VARCHAR COLLATE "C"'
    if length:
        return f"VARCHAR({length})"
    return "MEDIUMTEXT" if kind == "mariadb" else "VARCHAR"


def _quoted(name: str, kind: str) -> str:
    return f"`{name}`" if kind == "mariadb" else f'"{name}"'
