"""SqlDeploymentStore: deployed processes, in the same database as the jobs."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from weaver_like.domain.errors import NoSuchProcess, TooLarge, Unavailable
from weaver_like.domain.package import Change, Deployed, Revision, RevisionSummary
from weaver_like.domain.requester import Requester
from weaver_like.schemas.jsontext import dumps
from weaver_like.stores.base import DeploymentStore
from weaver_like.stores.codec import load_json, moment_of
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import repeated
from weaver_like.stores.sql.statement import Row, Statement
from weaver_like.stores.sql.tables import offer, revisions
from weaver_like.stores.sql.visibility import seen, seen_values

_NUMBER = Statement(select(offer.c.number))
_OFFER = Statement(select(offer.c.number, offer.c.versions))
_ADVANCE = Statement(update(offer).where(offer.c.number == bindparam("held")))
_SET_CURRENT = Statement(update(offer))
_ADD = Statement(insert(revisions))
_OF_PROCESS = revisions.c.process == bindparam("process_id")
_REVISION = _OF_PROCESS, revisions.c.version == bindparam("version_name")
_GET = Statement(select(revisions).where(*_REVISION))
_SET_PACKAGE = Statement(update(revisions).where(*_REVISION).values(package=bindparam("content")))
_DELETE = Statement(delete(revisions).where(*_REVISION))
_DELETE_ALL = Statement(delete(revisions).where(_OF_PROCESS))
_NEWEST_FIRST = (
    select(revisions.c.version, revisions.c.deployed)
    .where(_OF_PROCESS)
    .order_by(revisions.c.deployed.desc(), revisions.c.version.desc())
)
_FIND = Statement(_NEWEST_FIRST)
_FIND_SEEN = Statement(_NEWEST_FIRST.where(seen(revisions)))
_MOMENTS = Statement(select(revisions.c.process, revisions.c.version, revisions.c.deployed))


class SqlDeploymentStore(DeploymentStore):
    """A row for each revision, and one row, the offer, that says what is current."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def get_number(self) -> int:
        with self._database.single() as connection:
            (number,) = _only(connection, _NUMBER)
        return int(number)

    @repeated
    def get_deployed(self) -> Deployed:
        with self._database.single() as connection:
            number, versions = _only(connection, _OFFER)
        return Deployed(number, load_json(versions))

    @repeated
    def get(self, process_id: str, version: str) -> Revision:
        with self._database.single() as connection:
            row = connection.first(_GET, {"process_id": process_id, "version_name": version})
        if row is None:
            raise NoSuchProcess(f"There is no version '{version[:100]}' of a process '{process_id[:100]}'.")
        return codec.row_revision(row)

    @repeated
    def find_revisions(self, process_id: str, seen_by: Requester | None = None) -> list[RevisionSummary]:
        query, values = _FIND, {"process_id": process_id}
        if seen_by is not None:
            query, values = _FIND_SEEN, values | seen_values(seen_by)
        with self._database.single() as connection:
            rows = connection.all(query, values)
        return [RevisionSummary(version, moment_of(deployed)) for version, deployed in rows]

    @repeated
    def find_moments(self) -> dict[tuple[str, str], datetime]:
        with self._database.single() as connection:
            rows = connection.all(_MOMENTS)
        return {(process_id, version): moment_of(deployed) for process_id, version, deployed in rows}

    @repeated
    def change(self, change: Change) -> bool:
        """A concurrent change waits at the first statement, and then finds another number."""
        with self._database.writing() as connection:
            advance = {"held": change.number, "number": change.number + 1}
            if connection.change(_ADVANCE, advance) != 1:
                return False
            _remove(connection, change)
            for revision in change.added:
                _add(connection, revision)
            _set_current(connection, change)
        return True


def _only(connection: SqlConnection, query: Statement) -> Row:
    row = connection.first(query)
    if row is None:
        raise Unavailable("The store has not been migrated.")
    return row


def _remove(connection: SqlConnection, change: Change) -> None:
    """Remove the revisions that go or are replaced."""
    keys = [*change.removed, *(revision.key for revision in change.added)]
    for process_id, version in keys:
        connection.change(_DELETE, {"process_id": process_id, "version_name": version})


def _add(connection: SqlConnection, revision: Revision) -> None:
    """Add a revision in two statements: MariaDB accepts 16 MiB in one, where each byte takes up two."""
    process_id, version = revision.key
    try:
        connection.change(_ADD, codec.revision_row(revision) | {"package": b""})
        package = {"process_id": process_id, "version_name": version, "content": revision.package.content}
        connection.change(_SET_PACKAGE, package)
    except TooLarge as error:
        raise TooLarge(
            f"The process '{process_id}' or its package is larger than the database accepts in one statement "
            "(max_allowed_packet)."
        ) from error


def _set_current(connection: SqlConnection, change: Change) -> None:
    if not change.current:
        return
    _number, versions = _only(connection, _OFFER)
    current = load_json(versions) | change.current
    for process_id, version in current.items():
        if version is None:
            connection.change(_DELETE_ALL, {"process_id": process_id})
    offered = {process_id: version for process_id, version in current.items() if version is not None}
    connection.change(_SET_CURRENT, {"versions": dumps(offered)})
