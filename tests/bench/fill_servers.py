"""Fills MongoDB and PostgreSQL with jobs: copies of one that the product itself
wrote, with other ids, processes, states and times."""

import random
import time
import uuid
from collections.abc import Iterator

from pymongo import MongoClient
from sqlalchemy import create_engine, make_url, text

_SPAN_S = 20 * 86400  # younger than jobs.keep_days, else the housekeeper sweeps them
_BATCH = 10000
_PROCESSES = 50


def fill(url: str, count: int) -> None:
    """Replace the jobs of a store, which holds at least one that was successful, by `count` copies of it.

    Logs are left out.
    """
    (_fill_mongodb if url.startswith("mongodb") else _fill_postgresql)(url, count)


def _copies(template: dict, count: int) -> Iterator[dict]:
    """90 % successful, 10 % failed; every process as often; evenly spaced in time, up to now."""
    chance = random.Random(1)
    step_us = _SPAN_S * 10**6 // count
    began_us = time.time_ns() // 1000 - step_us * (count + 1)
    for number in range(count):
        shift_us = began_us + step_us * number - template["created"]
        times = {name: template[name] + shift_us for name in ("created", "place", "started", "updated", "finished")}
        yield (
            template
            | times
            | {
                "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                "process": f"process-{chance.randrange(_PROCESSES):02}",
                "status": "successful" if chance.random() < 0.9 else "failed",
            }
        )


def _fill_mongodb(url: str, count: int) -> None:
    with MongoClient(url) as client:
        jobs = client.get_default_database()["jobs"]
        template = jobs.find_one({"status": "successful"})
        jobs.delete_many({})
        batch = []
        for row in _copies(template, count):
            batch.append(row | {"_id": row.pop("id")})
            if len(batch) == _BATCH:
                jobs.insert_many(batch, ordered=False)
                batch = []
        if batch:
            jobs.insert_many(batch, ordered=False)


def _fill_postgresql(url: str, count: int) -> None:
    engine = create_engine(make_url(url))
    with engine.begin() as connection:
        template = dict(
            connection.execute(text("SELECT * FROM jobs WHERE status = 'successful' LIMIT 1")).mappings().one()
        )
        for table in ("jobs", "job_documents", "job_logs"):
            connection.execute(text(f"DELETE FROM {table}"))
        names = list(template)
        with connection.connection.cursor().copy(f"COPY jobs ({', '.join(names)}) FROM STDIN") as copy:
            for row in _copies(template, count):
                copy.write_row([row[name] for name in names])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
    engine.dispose()
