"""SqlProcessStore: deployed processes, beside the jobs."""

from datetime import datetime

from sqlalchemy import Connection, Row, Select, delete, insert, select, tuple_, update

from weaver_like.domain.errors import NoSuchProcess, TooLarge, Unavailable
from weaver_like.domain.package import Change, Deployed, Revision, RevisionSummary
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.stores.base import ProcessStore
from weaver_like.stores.codec import to_moment
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, repeated
from weaver_like.stores.sql.tables import offer, revisions

_NUMBER = select(offer.c.number)
_OFFER = select(offer.c.number, offer.c.versions)


class SqlProcessStore(ProcessStore):
    """database: that of the jobs; their store makes the tables and closes the connections."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def get_number(self) -> int:
        with self._database.single() as connection:
            return _only(connection, _NUMBER).number

    @repeated
    def get_deployed(self) -> Deployed:
        with self._database.single() as connection:
            row = _only(connection, _OFFER)
        return Deployed(row.number, loads(row.versions))

    @repeated
    def get(self, process_id: str, version: str) -> Revision:
        with self._database.single() as connection:
            row = connection.execute(
                select(revisions).where(revisions.c.process == process_id, revisions.c.version == version)
            ).first()
        if row is None:
            raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id[:100]}'.")
        return codec.row_revision(row)

    @repeated
    def find_revisions(self, process_id: str) -> list[RevisionSummary]:
        query = select(revisions.c.version, revisions.c.deployed).where(revisions.c.process == process_id)
        with self._database.single() as connection:
            rows = connection.execute(query.order_by(revisions.c.deployed.desc(), revisions.c.version.desc())).all()
        return [RevisionSummary(row.version, to_moment(row.deployed)) for row in rows]

    @repeated
    def find_moments(self) -> dict[tuple[str, str], datetime]:
        with self._database.single() as connection:
            rows = connection.execute(select(revisions.c.process, revisions.c.version, revisions.c.deployed)).all()
        return {(row.process, row.version): to_moment(row.deployed) for row in rows}

    @repeated
    def change(self, change: Change) -> bool:
        """Whoever else changes something waits at the first statement, and finds another number then."""
        with self._database.writing() as connection:
            advance = update(offer).where(offer.c.number == change.number).values(number=change.number + 1)
            if connection.execute(advance).rowcount != 1:
                return False
            _remove(connection, change)
            for revision in change.added:
                _add(connection, revision)
            _set_current(connection, change)
        return True


def _only(connection: Connection, query: Select) -> Row:
    row = connection.execute(query).first()
    if row is None:
        raise Unavailable("The store has not been migrated.")
    return row


def _remove(connection: Connection, change: Change) -> None:
    """What goes, and what is replaced."""
    keys = [*change.removed, *(revision.key for revision in change.added)]
    if keys:
        connection.execute(delete(revisions).where(tuple_(revisions.c.process, revisions.c.version).in_(keys)))


def _add(connection: Connection, revision: Revision) -> None:
    """Two statements: MariaDB takes 16 MiB in one, and bytes take up twice as many there as there are."""
    process_id, version = revision.key
    try:
        connection.execute(insert(revisions), codec.revision_row(revision) | {"package": b""})
        row = update(revisions).where(revisions.c.process == process_id, revisions.c.version == version)
        connection.execute(row.values(package=revision.package.content))
    except TooLarge as error:
        raise TooLarge(
            f"The process '{process_id}' or its package is larger than the database takes in one statement (max_allowed_packet)."
        ) from error


def _set_current(connection: Connection, change: Change) -> None:
    if not change.current:
        return
    current = loads(connection.scalar(select(offer.c.versions))) | change.current
    gone = [process_id for process_id, version in current.items() if version is None]
    connection.execute(delete(revisions).where(revisions.c.process.in_(gone)))
    connection.execute(
        update(offer).values(
            versions=dumps({process_id: version for process_id, version in current.items() if version is not None})
        )
    )
