"""Steps of jobs on MongoDB: a document for each, in a collection of their own."""

from collections.abc import Iterable, Sequence

from weaver_like.domain.step import Step
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.schemas.step import parse_stored, render_stored
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.log import get_fields

#: Steps of one command: each has some ten KiB at the most, and a command 16 MiB.
_BATCH = 250


class MongoSteps:
    """The part of `MongoJobStore` that keeps steps."""

    _database: MongoDatabase

    def keep_steps(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        """One command looks whether the job is held and writes; what is asked twice is there once."""
        held = {"_id": job_id, "status": "running", "attempt": attempt}
        with self._database.using() as found:
            for start in range(0, len(steps), _BATCH):
                documents = step_documents(job_id, attempt, steps[start : start + _BATCH])
                found.progress.aggregate(
                    [
                        {"$match": held},
                        {"$project": {"steps": {"$literal": documents}}},
                        {"$unwind": "$steps"},
                        {"$replaceRoot": {"newRoot": "$steps"}},
                        {"$merge": {"into": found.steps.name, "whenMatched": "replace", "whenNotMatched": "insert"}},
                    ]
                )

    def find_steps(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        with self._database.using() as found:
            attempt = get_fields(found, job_id, ["attempt"])["attempt"]
            wanted = {"job": job_id, "number": {"$gt": after}, "attempt": attempt}
            return [
                load_step(row) for row in found.steps.find(wanted, sort=[("number", 1)], limit=limit, batch_size=limit)
            ]


def step_documents(job_id: str, attempt: int, steps: Iterable[Step]) -> list[dict]:
    return [
        {
            "_id": f"{job_id}/{step.number}",
            "job": job_id,
            "number": step.number,
            "attempt": attempt,
            "document": dumps(render_stored(step)),
        }
        for step in steps
    ]


def load_step(row: dict) -> Step:
    return parse_stored(loads(row["document"]))
