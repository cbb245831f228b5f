"""Fills a SQLite store with jobs: copies of rows that the product itself
wrote, with other ids, processes, states and times."""

import random
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.bench.client import ECHO, ECHO_PATH, Client, serving

PROCESSES = 50
_SPAN_S = 28 * 86400  # younger than jobs.keep_days, else the housekeeper sweeps them
_BATCH = 20000
_TABLES = {"jobs": "id", "job_documents": "job", "job_logs": "job"}
Rows = dict[str, list[dict]]


def fill(data: Path, count: int) -> tuple[int, str]:
    """Make a store of `count` jobs in the folder; the place in the list, (created, id), of the job in the middle."""
    with serving(data) as served:
        client = Client(served.url)
        client.request("POST", ECHO_PATH, ECHO)
        client.request("POST", "/processes/fail/execution", b"{}")
        client.close()
    database = sqlite3.connect(data / "weaver_like.sqlite", isolation_level=None)
    database.row_factory = sqlite3.Row
    for pragma in ("synchronous=OFF", "cache_size=-800000"):
        database.execute(f"PRAGMA {pragma}")
    templates = {status: _rows_of(database, status) for status in ("successful", "failed")}
    for table in _TABLES:
        database.execute(f"DELETE FROM {table}")
    middle = _insert(database, templates, count)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return middle


def _rows_of(database: sqlite3.Connection, status: str) -> Rows:
    job_id = database.execute("SELECT id FROM jobs WHERE status = ?", (status,)).fetchone()["id"]
    return {
        table: [dict(row) for row in database.execute(f"SELECT * FROM {table} WHERE {key} = ?", (job_id,))]
        for table, key in _TABLES.items()
    }


def _insert(database: sqlite3.Connection, templates: dict[str, Rows], count: int) -> tuple[int, str]:
    """In the order of creation, with the indexes in place: as an installation grows."""
    columns = {table: list(rows[0]) for table, rows in templates["failed"].items()}
    statements = {
        table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        for table, names in columns.items()
    }
    middle = (0, "")
    batch: dict[str, list[tuple]] = {table: [] for table in _TABLES}
    for number, rows in enumerate(_copies(templates, count)):
        if number == count // 2:
            middle = (rows["jobs"][0]["created"], rows["jobs"][0]["id"])
        for table, found in rows.items():
            batch[table] += [tuple(row[name] for name in columns[table]) for row in found]
        if len(batch["jobs"]) == _BATCH or number == count - 1:
            database.execute("BEGIN IMMEDIATE")
            for table, values in batch.items():
                database.executemany(statements[table], values)
                values.clear()
            database.execute("COMMIT")
    return middle


def _copies(templates: dict[str, Rows], count: int) -> Iterator[Rows]:
    """90 % successful, 5 % failed, 5 % dismissed; every process as often; evenly spaced in time, up to now."""
    chance = random.Random(1)
    step_us = _SPAN_S * 10**6 // count
    began_us = (time.time_ns() // 1000) - step_us * (count + 1)
    for number in range(count):
        drawn = chance.random()
        status = "successful" if drawn < 0.9 else "failed" if drawn < 0.95 else "dismissed"
        template = templates["failed" if status == "failed" else "successful"]
        shift = began_us + step_us * number - template["jobs"][0]["created"]
        job_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        own = {"id": job_id, "process": f"process-{chance.randrange(PROCESSES):02}", "status": status}
        taken_us = int(chance.expovariate(1 / 60) * 1e6)
        yield {
            table: [_moved(row, shift, taken_us) | (own if table == "jobs" else {"job": job_id}) for row in rows]
            for table, rows in template.items()
        }


def _moved(row: dict, shift_us: int, taken_us: int) -> dict:
    begins = {name: row[name] + shift_us for name in ("created", "place", "started", "at") if row.get(name) is not None}
    ends = {name: row[name] + shift_us + taken_us for name in ("updated", "finished") if row.get(name) is not None}
    return row | begins | ends
