"""MongoStepStore: steps of jobs, a document for each, in a collection of their own."""

from collections.abc import Iterable, Sequence

from weaver_like.domain.step import Step
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.step import parse_stored, render_stored
from weaver_like.stores.base import StepStore
from weaver_like.stores.codec import load_json
from weaver_like.stores.mongo.connection import Document, MongoDatabase
from weaver_like.stores.mongo.logs import get_fields

#: Steps of one command: each has at most some ten KiB, and a command 16 MiB.
_BATCH = 250


class MongoStepStore(StepStore):
    """Only steps of the job's last attempt are shown."""

    def __init__(self, database: MongoDatabase):
        self._database = database

    def keep(self, job_id: str, attempt: int, steps: Sequence[Step]) -> None:
        """One command checks that the job is held, and writes; a repetition changes nothing."""
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

    def find(self, job_id: str, after: int = 0, limit: int = 1000) -> list[Step]:
        with self._database.using() as found:
            attempt = get_fields(found, job_id, ["attempt"])["attempt"]
            wanted = {"job": job_id, "number": {"$gt": after}, "attempt": attempt}
            rows = found.steps.find(wanted, sort=[("number", 1)], limit=limit, batch_size=limit)
            return [load_step(row) for row in rows]


def step_documents(job_id: str, attempt: int, steps: Iterable[Step]) -> list[Document]:
    """A document for each step."""
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


def load_step(row: Document) -> Step:
    """The step of a document."""
    return parse_stored(load_json(row["document"]))
