"""SqlJobStore: jobs on SQLite, PostgreSQL and MariaDB."""

import heapq
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path

from sqlalchemy import Connection, Row, Select, Update, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from weaver_like.domain.errors import NoSuchJob, Unavailable
from weaver_like.domain.job import Claim, Job, JobDocuments, JobFilter, JobPage, LogEntry, NewJob, Outcome
from weaver_like.domain.status import Status, sources_of
from weaver_like.schemas.execution import parse_stored
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.stores.base import JobStore
from weaver_like.stores.codec import dump_error, dump_results, load_followers, load_subscriber, to_micros
from weaver_like.stores.gate import QueueGate
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import SqlDatabase, Undone, repeated
from weaver_like.stores.sql.leaders import SqlLeaders
from weaver_like.stores.sql.migrate import migrate
from weaver_like.stores.sql.outbox import SqlOutbox, add_callback
from weaver_like.stores.sql.steps import SqlSteps
from weaver_like.stores.sql.tables import documents, jobs, logs, schema_version, steps
from weaver_like.stores.sql.transfer import SqlTransfer

_FINAL = [str(status) for status in Status if status.final]
#: Beyond this many (process, status) pairs one plain query costs less than one index walk for each.
_MAX_WALKS = 24


# Built once: building a statement costs more than running it.
_JOB = bindparam("key")
_NEWEST_MIGRATION = select(func.max(schema_version.c.number))
_GET = select(jobs).where(jobs.c.id == _JOB)
_GET_DOCUMENTS = select(documents).where(documents.c.job == _JOB)
_COUNT_WAITING = select(func.count()).select_from(
    select(jobs.c.id).where(jobs.c.status == "accepted").limit(bindparam("most")).subquery()
)
_COUNT_QUEUES = (
    select(jobs.c.queue, func.count())
    .where(jobs.c.status == "accepted", jobs.c.updated < bindparam("before"))
    .group_by(jobs.c.queue)
)
_FIRST_WAITING = select(jobs.c.id).where(jobs.c.status == "accepted").order_by(jobs.c.place).limit(1)
_FIRST_IN_QUEUE = _FIRST_WAITING.where(jobs.c.queue == bindparam("queue_name"))
_CLAIM = update(jobs).values(
    status="running",
    message="",
    started=func.coalesce(jobs.c.started, bindparam("now")),
    updated=bindparam("now"),
    worker=bindparam("by"),
    attempt=jobs.c.attempt + 1,
    lease=bindparam("until"),
)
_CLAIM_ONE = _CLAIM.where(jobs.c.id == _JOB)
_CLAIMED = (
    select(jobs, documents.c.execution, documents.c.followers)
    .join(documents, documents.c.job == jobs.c.id)
    .where(jobs.c.id == _JOB)
)
_SUBSCRIBER = select(documents.c.subscriber).where(documents.c.job == _JOB)
_SET_OUTCOME = (
    update(documents)
    .where(documents.c.job == _JOB)
    .values(results=bindparam("r"), error=bindparam("e"), traceback=bindparam("t"), statistics=bindparam("s"))
)
_LAST_LINE = select(func.max(logs.c.number)).where(logs.c.job == _JOB)
_ADD_JOB, _ADD_DOCUMENTS, _ADD_LINES = insert(jobs), insert(documents), insert(logs)
_LOCK = select(jobs.c.id).where(jobs.c.id == _JOB).with_for_update()
_MOVES = {
    to: update(jobs).where(jobs.c.id == _JOB, jobs.c.status.in_([str(origin) for origin in sources_of(to)]))
    for to in Status
}
_MOVES_OF_ATTEMPT = {to: statement.where(jobs.c.attempt == bindparam("held")) for to, statement in _MOVES.items()}


def _claim_first(waiting: Select) -> Update:
    """Claim in one statement, where a database can. Source: PostgreSQL, SELECT, "The Locking Clause", SKIP LOCKED."""
    first = waiting.with_for_update(skip_locked=True).scalar_subquery()
    return _CLAIM.where(jobs.c.id == first, documents.c.job == jobs.c.id).returning(
        jobs, documents.c.execution, documents.c.followers
    )


_CLAIM_FIRST, _CLAIM_FIRST_IN_QUEUE = _claim_first(_FIRST_WAITING), _claim_first(_FIRST_IN_QUEUE)
_ADD_AT_ONCE = _ADD_DOCUMENTS.values(
    {column: bindparam(f"new_{column}") for column in ("job", "execution", "followers", "subscriber")}
).add_cte(_ADD_JOB.values({column: bindparam(f"new_{column}") for column in codec.JOB_COLUMNS}).cte("job"))


class SqlJobStore(SqlSteps, SqlOutbox, SqlLeaders, SqlTransfer, JobStore):
    """gate: everything that adds a job passes it.

    Source of the indexes and of BEGIN IMMEDIATE: docs/performance.rst.
    """

    def __init__(self, database: SqlDatabase, ageing_s: float):
        super().__init__(database)
        self._ageing_s = ageing_s
        self.gate = QueueGate(self._count_waiting)

    def migrate(self) -> list[int]:
        return migrate(self._database)

    @repeated
    def ping(self) -> None:
        if (
            self._database.kind == "sqlite" and not Path(self._database.url.database or "").is_file()
        ):  # to connect would make it
            raise Unavailable("The store's file is not there.")
        with self._database.single() as connection:
            try:
                connection.scalar(_NEWEST_MIGRATION)
            except ProgrammingError as error:
                raise Unavailable("The store has not been migrated.") from error

    def close(self) -> None:
        self._database.close()

    def add(self, new: NewJob, queue_limit: int) -> None:
        with self.gate.entering(queue_limit):
            try:
                self._add(new)
            except Undone:
                try:
                    self._add(new)
                except IntegrityError:  # nobody else has this id: it was kept the first time
                    pass

    def _add(self, new: NewJob) -> None:
        if self._database.kind == "postgresql":
            row = codec.job_row(new.job, self._ageing_s) | codec.documents_row(new)
            with self._database.single() as connection:
                connection.execute(_ADD_AT_ONCE, {f"new_{name}": value for name, value in row.items()})
        else:
            with self._database.writing() as connection:
                self.insert(connection, new)

    @repeated
    def _count_waiting(self, most: int) -> int:
        with self._database.single() as connection:
            return connection.scalar(_COUNT_WAITING, {"most": most})

    def insert(self, connection: Connection, new: NewJob) -> None:
        """Keep a job within the caller's transaction."""
        connection.execute(_ADD_JOB, codec.job_row(new.job, self._ageing_s))
        connection.execute(_ADD_DOCUMENTS, codec.documents_row(new))

    @repeated
    def get(self, job_id: str) -> Job:
        with self._database.single() as connection:
            row = connection.execute(_GET, {"key": job_id}).first()
        if row is None:
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return codec.row_job(row)

    @repeated
    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.single() as connection:
            row = connection.execute(_GET_DOCUMENTS, {"key": job_id}).first()
        if row is None:
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return codec.row_documents(row)

    @repeated
    def find(self, wanted: JobFilter) -> JobPage:
        """One index walk of `limit + 1` rows for each (process, status) pair, merged: an IN list would sort every match."""
        walks = list(product(wanted.processes or [None], wanted.statuses or [None]))
        base = _narrowed(wanted).order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(wanted.limit + 1)
        with self._database.single() as connection:
            if len(walks) > _MAX_WALKS:
                query = base.where(jobs.c.process.in_(wanted.processes)) if wanted.processes else base
                rows = connection.execute(
                    query.where(jobs.c.status.in_(wanted.statuses)) if wanted.statuses else query
                ).all()
            else:
                pages = [connection.execute(_walk(base, *walk)).all() for walk in walks]
                rows = list(
                    islice(heapq.merge(*pages, key=lambda row: (row.created, row.id), reverse=True), wanted.limit + 1)
                )
        return JobPage(tuple(codec.row_job(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    @repeated
    def claim_next(self, worker: str, lease_until: datetime, queue: str | None = None) -> Claim | None:
        names = {"now": to_micros(datetime.now(UTC)), "by": worker, "until": to_micros(lease_until)} | (
            {} if queue is None else {"queue_name": queue}
        )
        if self._database.kind == "postgresql":
            with self._database.single() as connection:
                row = connection.execute(_CLAIM_FIRST if queue is None else _CLAIM_FIRST_IN_QUEUE, names).first()
        else:
            row = self._claim_in_steps(_FIRST_WAITING if queue is None else _FIRST_IN_QUEUE, names)
        return (
            None
            if row is None
            else Claim(codec.row_job(row), parse_stored(loads(row.execution)), load_followers(row.followers))
        )

    def _claim_in_steps(self, waiting: Select, names: dict) -> Row | None:
        with (
            self._database.single() as connection
        ):  # most looks find nothing; only a find is worth the lock for writers
            if connection.scalar(waiting, names) is None:
                return None
        with self._database.writing() as connection:
            job_id = connection.scalar(waiting.with_for_update(skip_locked=True), names)
            if job_id is None:
                return None
            connection.execute(_CLAIM_ONE, names | {"key": job_id})
            return connection.execute(_CLAIMED, {"key": job_id}).one()

    @repeated
    def count_waiting(self, before: datetime) -> dict[str, int]:
        with self._database.single() as connection:
            return dict(connection.execute(_COUNT_QUEUES, {"before": to_micros(before)}).all())

    @repeated
    def move(
        self,
        job_id: str,
        to: Status,
        *,
        attempt: int | None = None,
        message: str = "",
        outcome: Outcome | None = None,
        followers: Sequence[NewJob] = (),
        entries: Sequence[LogEntry] = (),
        counted: bool = True,
    ) -> bool:
        moment = datetime.now(UTC)
        now = to_micros(moment)
        statement, held = (_MOVES[to], {}) if attempt is None else (_MOVES_OF_ATTEMPT[to], {"held": attempt})
        changes: dict = {"status": str(to), "updated": now, "message": message, "lease": None}
        if to is Status.ACCEPTED:
            changes |= {"worker": None, "progress": 0} | ({"losses": jobs.c.losses + 1} if counted else {})
        if to.final:
            changes |= {"finished": now}
        if to is Status.SUCCESSFUL:
            changes |= {"progress": 100}
        with self._database.writing() as connection:
            if (
                connection.execute(
                    statement.values(losses=changes.pop("losses")) if "losses" in changes else statement,
                    changes | held | {"key": job_id},
                ).rowcount
                != 1
            ):
                return False
            subscriber = _set_outcome(connection, job_id, outcome) if outcome is not None or to.final else None
            if to.final and subscriber is not None:
                _announce(connection, job_id, to, now, subscriber)
            for new in followers:
                self.insert(connection, replace(new, job=replace(new.job, created=moment, updated=moment)))
            _append(connection, job_id, entries)
        return True

    @repeated
    def report(
        self,
        job_id: str,
        attempt: int,
        lease_until: datetime,
        *,
        percent: int | None = None,
        message: str | None = None,
        entries: Sequence[LogEntry] = (),
    ) -> bool:
        changes: dict = {"lease": to_micros(lease_until)}
        if percent is not None:
            changes |= {"progress": percent, "updated": to_micros(datetime.now(UTC))}
        if message is not None:
            changes |= {"message": message}
        held = jobs.c.id == job_id, jobs.c.status == "running", jobs.c.attempt == attempt
        with self._database.writing() as connection:
            alive = connection.execute(update(jobs).where(*held).values(**changes)).rowcount == 1
            if alive:
                _append(connection, job_id, entries)
        return alive

    @repeated
    def append_log(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        with self._database.writing() as connection:
            if connection.execute(_LOCK, {"key": job_id}).first() is not None:
                _append(connection, job_id, entries)

    @repeated
    def read_log(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        query = select(logs).where(logs.c.job == job_id, logs.c.number > after).order_by(logs.c.number).limit(limit)
        with self._database.single() as connection:
            rows = connection.execute(query).all()
        if not rows:
            self.get(job_id)
        return [codec.row_entry(row) for row in rows]

    @repeated
    def delete(self, job_id: str) -> bool:
        with self._database.writing() as connection:
            gone = connection.execute(delete(jobs).where(jobs.c.id == job_id, jobs.c.status.in_(_FINAL))).rowcount == 1
            if gone:
                for table in (documents, logs, steps):
                    connection.execute(delete(table).where(table.c.job == job_id))
        return gone

    @repeated
    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        query = select(jobs).where(jobs.c.status == "running")
        lost = (
            jobs.c.lease < to_micros(now)
            if worker_prefix is None
            else jobs.c.worker.startswith(worker_prefix, autoescape=True)
        )
        with self._database.single() as connection:
            return [codec.row_job(row) for row in connection.execute(query.where(lost)).all()]

    @repeated
    def find_finished(self, before: datetime, limit: int) -> list[str]:
        moment = to_micros(before)
        # A job finishes after it was created, so the index on `created` bounds the walk.
        query = select(jobs.c.id).where(jobs.c.created < moment, jobs.c.finished < moment, jobs.c.status.in_(_FINAL))
        with self._database.single() as connection:
            return list(connection.scalars(query.order_by(jobs.c.created).limit(limit)))


def _set_outcome(connection: Connection, job_id: str, outcome: Outcome | None) -> bytes | None:
    """Keep an outcome, if there is one; whom to call at the end of the job."""
    if outcome is None:
        return connection.scalar(_SUBSCRIBER, {"key": job_id})
    values = {
        "key": job_id,
        "r": dump_results(outcome.results),
        "e": dump_error(outcome.error),
        "t": outcome.traceback,
        "s": dumps(outcome.statistics) if outcome.statistics else None,
    }
    if connection.dialect.update_returning:
        return connection.scalar(_SET_OUTCOME.returning(documents.c.subscriber), values)
    connection.execute(_SET_OUTCOME, values)
    return connection.scalar(_SUBSCRIBER, {"key": job_id})


def _announce(connection: Connection, job_id: str, to: Status, now: int, subscriber: bytes) -> None:
    uri = load_subscriber(subscriber, to is Status.SUCCESSFUL)
    if uri:
        add_callback(connection, job_id, "success" if to is Status.SUCCESSFUL else "failed", uri, now)


def _append(connection: Connection, job_id: str, entries: Sequence[LogEntry]) -> None:
    if not entries:
        return
    last = connection.scalar(_LAST_LINE, {"key": job_id}) or 0
    connection.execute(
        _ADD_LINES, [codec.entry_row(job_id, number, entry) for number, entry in enumerate(entries, last + 1)]
    )


def _narrowed(wanted: JobFilter) -> Select:
    query = select(jobs)
    if wanted.after:
        # MariaDB looks up no pair in an index; a single column it does.
        query = query.where(
            jobs.c.created <= wanted.after[0], tuple_(jobs.c.created, jobs.c.id) < tuple_(*wanted.after)
        )
    if wanted.created_from:
        query = query.where(jobs.c.created >= to_micros(wanted.created_from))
    if wanted.created_to:
        query = query.where(jobs.c.created <= to_micros(wanted.created_to))
    if wanted.min_duration is not None or wanted.max_duration is not None:
        now = to_micros(datetime.now(UTC))
        duration = func.coalesce(jobs.c.finished, now) - jobs.c.started
        query = query.where(jobs.c.started.is_not(None))
        if wanted.min_duration is not None:
            query = query.where(duration >= int(wanted.min_duration.total_seconds() * 1e6))
        if wanted.max_duration is not None:
            query = query.where(duration <= int(wanted.max_duration.total_seconds() * 1e6))
    return query


def _walk(base: Select, process: str | None, status: Status | None) -> Select:
    query = base if process is None else base.where(jobs.c.process == process)
    return query if status is None else query.where(jobs.c.status == str(status))
