"""Adds new jobs, whatever submits them: a client, a schedule, or a successful job."""

from pymongo.errors import AutoReconnect, DuplicateKeyError, ServerSelectionTimeoutError

from weaver_like.domain.job import NewJob
from weaver_like.stores.gate import QueueGate
from weaver_like.stores.mongo import codec
from weaver_like.stores.mongo.connection import Document, MongoDatabase
from weaver_like.stores.mongo.migrate import BY_PLACE
from weaver_like.stores.mongo.parts import Parts

_WAITING = {"status": "accepted"}


class MongoJobIntake:
    """Adds jobs, within the limit of the queue.

    Args:
        ageing_s: seconds of waiting that make a job as urgent as one of the next level.
    """

    def __init__(self, database: MongoDatabase, ageing_s: float):
        self._database = database
        self._ageing_s = ageing_s
        #: All new jobs pass it, except followers of a chain.
        self.gate = QueueGate(self.count_waiting)

    def add(self, new: NewJob, queue_limit: int) -> None:
        """As `JobStore.add`."""
        with self.gate.entering(queue_limit), self._database.using() as found:
            parts = Parts(found)
            document = self.document(new, parts)
            try:
                found.jobs.insert_one(document)
            except ServerSelectionTimeoutError:  # nothing was sent
                raise
            except AutoReconnect:  # stored or not? no other job has this id
                try:
                    found.jobs.insert_one(document)
                except DuplicateKeyError:
                    pass
            parts.keep()

    def document(self, new: NewJob, parts: Parts) -> Document:
        """What is kept of a new job; its large values are in `parts`."""
        return codec.new_document(new, self._ageing_s, parts)

    def count_waiting(self, most: int) -> int:
        """How many accepted jobs there are, counted up to `most`."""
        with self._database.using() as found:
            return found.jobs.count_documents(_WAITING, limit=most, hint=BY_PLACE)
