"""MongoStore: MongoDB, a standalone server or a replica set."""

from weaver_like.domain.errors import Unavailable
from weaver_like.stores.base import Store
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.deployments import MongoDeploymentStore
from weaver_like.stores.mongo.followed import MongoFollowedRuns
from weaver_like.stores.mongo.intake import MongoJobIntake
from weaver_like.stores.mongo.jobs import MongoJobStore
from weaver_like.stores.mongo.leaders import MongoLeaders
from weaver_like.stores.mongo.logs import MongoJobLogs
from weaver_like.stores.mongo.migrate import migrate
from weaver_like.stores.mongo.outbox import MongoOutbox
from weaver_like.stores.mongo.schedules import MongoScheduleStore
from weaver_like.stores.mongo.steps import MongoStepStore
from weaver_like.stores.mongo.transfer import MongoJobTransfer


class MongoStore(Store):
    """Its parts share the client of one database.

    Args:
        ageing_s: seconds of waiting that make a job as urgent as one of the next level.
    """

    def __init__(self, database: MongoDatabase, ageing_s: float):
        self.database = database
        self.intake = MongoJobIntake(database, ageing_s)
        self.jobs = MongoJobStore(database, self.intake)
        self.logs = MongoJobLogs(database)
        self.steps = MongoStepStore(database)
        self.followed = MongoFollowedRuns(database)
        self.outbox = MongoOutbox(database)
        self.leaders = MongoLeaders(database)
        self.schedules = MongoScheduleStore(database, self.intake)
        self.deployments = MongoDeploymentStore(database)
        self.transfer = MongoJobTransfer(database)

    def migrate(self) -> list[int]:
        with self.database.using() as found:
            return migrate(found)

    def ping(self) -> None:
        with self.database.using() as found:
            if found.versions.find_one() is None:
                raise Unavailable("The store has not been migrated.")

    def close(self) -> None:
        self.database.close()
