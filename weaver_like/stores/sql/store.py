"""SqlStore: SQLite, PostgreSQL and MariaDB, through SQLAlchemy Core."""

from pathlib import Path

from sqlalchemy import func, select

from weaver_like.domain.errors import Unavailable
from weaver_like.stores.base import Store
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.deployments import SqlDeploymentStore
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.followed import SqlFollowedRuns
from weaver_like.stores.sql.intake import SqlJobIntake
from weaver_like.stores.sql.jobs import SqlJobStore
from weaver_like.stores.sql.leaders import SqlLeaders
from weaver_like.stores.sql.logs import SqlJobLogs
from weaver_like.stores.sql.migrate import migrate
from weaver_like.stores.sql.outbox import SqlOutbox
from weaver_like.stores.sql.schedules import SqlScheduleStore
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.steps import SqlStepStore
from weaver_like.stores.sql.tables import schema_version
from weaver_like.stores.sql.transfer import SqlJobTransfer

_NEWEST_MIGRATION = Statement(select(func.max(schema_version.c.number)))


class SqlStore(Store):
    """Its parts share the connections of one database.

    Args:
        ageing_s: seconds of waiting that make a job as urgent as one of the next level.
    """

    def __init__(self, database: SqlDatabase, ageing_s: float):
        self.database = database
        self.intake = SqlJobIntake(database, ageing_s)
        self.jobs = SqlJobStore(database, self.intake)
        self.logs = SqlJobLogs(database)
        self.steps = SqlStepStore(database)
        self.followed = SqlFollowedRuns(database)
        self.outbox = SqlOutbox(database)
        self.leaders = SqlLeaders(database)
        self.schedules = SqlScheduleStore(database, self.intake)
        self.deployments = SqlDeploymentStore(database)
        self.transfer = SqlJobTransfer(database)

    def migrate(self) -> list[int]:
        return migrate(self.database)

    @repeated
    def ping(self) -> None:
        file = Path(self.database.url.database or "")
        if self.database.kind == "sqlite" and not file.is_file():  # a connection would create it
            raise Unavailable("The store's file is not there.")
        with self.database.single() as connection:
            connection.scalar(_NEWEST_MIGRATION)

    def close(self) -> None:
        self.database.close()
