"""SqlJobStore: jobs on SQLite (and whatever else speaks SQL)."""
import heapq
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, product

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, tuple_, update

from weaver_like.domain.errors import NoSuchJob, ServerBusy
from weaver_like.domain.job import Claim, Job, JobDocuments, JobFilter, JobPage, LogEntry, NewJob, Outcome
from weaver_like.domain.status import Status, sources_of
from weaver_like.schemas.execute import parse_stored
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.stores.base import JobStore
from weaver_like.stores.sql import codec
from weaver_like.stores.sql.connection import Database
from weaver_like.stores.sql.migrate import migrate
from weaver_like.stores.sql.outbox import SqlOutbox, add_callback
from weaver_like.stores.sql.tables import documents, jobs, logs

_FINAL = [str(status) for status in Status if status.final]
#: Beyond this many (process, status) pairs one plain query costs less than one index walk for each.
_MAX_WALKS = 24


# Built once: building a statement costs more than running it.
_JOB = bindparam("key")
_GET = select(jobs).where(jobs.c.id == _JOB)
_GET_DOCUMENTS = select(documents).where(documents.c.job == _JOB)
_COUNT_WAITING = select(func.count()).select_from(jobs).where(jobs.c.status == "accepted")
_FIRST_WAITING = select(jobs.c.id).where(jobs.c.status == "accepted").order_by(jobs.c.place).limit(1)
_LOCK_FIRST_WAITING = _FIRST_WAITING.with_for_update(skip_locked=True)
_CLAIM = update(jobs).where(jobs.c.id == _JOB).values(
    status="running", message="", started=func.coalesce(jobs.c.started, bindparam("now")), updated=bindparam("now"), worker=bindparam("by"),
    attempt=jobs.c.attempt + 1, lease=bindparam("until"))
_CLAIMED = select(jobs, documents.c.execution, documents.c.followers).join(documents, documents.c.job == jobs.c.id).where(jobs.c.id == _JOB)
_SUBSCRIBER = select(documents.c.subscriber).where(documents.c.job == _JOB)
_SET_OUTCOME = update(documents).where(documents.c.job == _JOB).values(
    results=bindparam("r"), error=bindparam("e"), traceback=bindparam("t"), statistics=bindparam("s"))
_LAST_LINE = select(func.max(logs.c.number)).where(logs.c.job == _JOB)
_ADD_JOB, _ADD_DOCUMENTS, _ADD_LINES = insert(jobs), insert(documents), insert(logs)
_MOVES = {to: update(jobs).where(jobs.c.id == _JOB, jobs.c.status.in_([str(origin) for origin in sources_of(to)])) for to in Status}
_MOVES_OF_ATTEMPT = {to: statement.where(jobs.c.attempt == bindparam("held")) for to, statement in _MOVES.items()}


class SqlJobStore(SqlOutbox, JobStore):
    """Source of the indexes and of BEGIN IMMEDIATE: docs/performance.rst."""

    def __init__(self, database: Database, ageing_s: float):
        super().__init__(database)
        self._ageing_s = ageing_s

    def migrate(self) -> list[int]:
        return migrate(self._database)

    def close(self) -> None:
        self._database.close()

    def add(self, new: NewJob, queue_limit: int) -> None:
        with self._database.writing() as connection:
            waiting = connection.scalar(_COUNT_WAITING)
            if waiting >= queue_limit:
                raise ServerBusy(f"{waiting} jobs wait already; try again later.", retry_after_s=10)
            self._insert(connection, new)

    def _insert(self, connection: Connection, new: NewJob) -> None:
        connection.execute(_ADD_JOB, codec.job_row(new.job, self._ageing_s))
        connection.execute(_ADD_DOCUMENTS, codec.documents_row(new))

    def get(self, job_id: str) -> Job:
        with self._database.reading() as connection:
            row = connection.execute(_GET, {"key": job_id}).first()
        if row is None:
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return codec.row_job(row)

    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.reading() as connection:
            row = connection.execute(_GET_DOCUMENTS, {"key": job_id}).first()
        if row is None:
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return codec.row_documents(row)

    def find(self, wanted: JobFilter) -> JobPage:
        """One index walk of `limit + 1` rows for each (process, status) pair, merged: an IN list would sort every match."""
        walks = list(product(wanted.processes or [None], wanted.statuses or [None]))
        base = _narrowed(wanted).order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(wanted.limit + 1)
        with self._database.reading() as connection:
            if len(walks) > _MAX_WALKS:
                query = base.where(jobs.c.process.in_(wanted.processes)) if wanted.processes else base
                rows = connection.execute(query.where(jobs.c.status.in_(wanted.statuses)) if wanted.statuses else query).all()
            else:
                pages = [connection.execute(_walk(base, *walk)).all() for walk in walks]
                rows = list(islice(heapq.merge(*pages, key=lambda row: (row.created, row.id), reverse=True), wanted.limit + 1))
        return JobPage(tuple(codec.row_job(row) for row in rows[: wanted.limit]), len(rows) > wanted.limit)

    def claim_next(self, worker: str, lease_until: datetime) -> Claim | None:
        with self._database.reading() as connection:  # most looks find nothing; only a find is worth the lock for writers
            if connection.scalar(_FIRST_WAITING) is None:
                return None
        with self._database.writing() as connection:
            job_id = connection.scalar(_LOCK_FIRST_WAITING)
            if job_id is None:
                return None
            connection.execute(_CLAIM, {"key": job_id, "now": codec.to_micros(datetime.now(UTC)), "by": worker, "until": codec.to_micros(lease_until)})
            row = connection.execute(_CLAIMED, {"key": job_id}).one()
        return Claim(codec.row_job(row), parse_stored(loads(row.execution)), codec.load_followers(row.followers))

    def move(self, job_id: str, to: Status, *, attempt: int | None = None, message: str = "",
             outcome: Outcome | None = None, followers: Sequence[NewJob] = (), entries: Sequence[LogEntry] = (), counted: bool = True) -> bool:
        moment = datetime.now(UTC)
        now = codec.to_micros(moment)
        statement, held = (_MOVES[to], {}) if attempt is None else (_MOVES_OF_ATTEMPT[to], {"held": attempt})
        changes: dict = {"status": str(to), "updated": now, "message": message, "lease": None}
        if to is Status.ACCEPTED:
            changes |= {"worker": None, "progress": 0} | ({"losses": jobs.c.losses + 1} if counted else {})
        if to.final:
            changes |= {"finished": now}
        if to is Status.SUCCESSFUL:
            changes |= {"progress": 100}
        with self._database.writing() as connection:
            if connection.execute(statement.values(losses=changes.pop("losses")) if "losses" in changes else statement,
                                  changes | held | {"key": job_id}).rowcount != 1:
                return False
            if outcome is not None:
                connection.execute(_SET_OUTCOME, {
                    "key": job_id, "r": codec.dump_results(outcome.results), "e": codec.dump_error(outcome.error), "t": outcome.traceback,
                    "s": dumps(outcome.statistics) if outcome.statistics else None})
            if to.final:
                self._announce(connection, job_id, to, now)
            for new in followers:
                self._insert(connection, replace(new, job=replace(new.job, created=moment, updated=moment)))
            _append(connection, job_id, entries)
        return True

    def _announce(self, connection: Connection, job_id: str, to: Status, now: int) -> None:
        subscriber = connection.scalar(_SUBSCRIBER, {"key": job_id})
        if subscriber is not None:
            kind = "success" if to is Status.SUCCESSFUL else "failed"
            uri = loads(subscriber)[0 if kind == "success" else 1]
            if uri:
                add_callback(connection, job_id, kind, uri, now)

    def report(self, job_id: str, attempt: int, lease_until: datetime, *, percent: int | None = None, message: str | None = None,
               entries: Sequence[LogEntry] = ()) -> bool:
        changes: dict = {"lease": codec.to_micros(lease_until)}
        if percent is not None:
            changes |= {"progress": percent, "updated": codec.to_micros(datetime.now(UTC))}
        if message is not None:
            changes |= {"message": message}
        held = jobs.c.id == job_id, jobs.c.status == "running", jobs.c.attempt == attempt
        with self._database.writing() as connection:
            alive = connection.execute(update(jobs).where(*held).values(**changes)).rowcount == 1
            if alive:
                _append(connection, job_id, entries)
        return alive

    def append_log(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        with self._database.writing() as connection:
            if connection.execute(_GET, {"key": job_id}).first() is not None:
                _append(connection, job_id, entries)

    def read_log(self, job_id: str, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        query = select(logs).where(logs.c.job == job_id, logs.c.number > after).order_by(logs.c.number).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            self.get(job_id)
        return [codec.row_entry(row) for row in rows]

    def delete(self, job_id: str) -> bool:
        with self._database.writing() as connection:
            gone = connection.execute(delete(jobs).where(jobs.c.id == job_id, jobs.c.status.in_(_FINAL))).rowcount == 1
            if gone:
                connection.execute(delete(documents).where(documents.c.job == job_id))
                connection.execute(delete(logs).where(logs.c.job == job_id))
        return gone

    def find_lost(self, now: datetime, worker_prefix: str | None = None) -> list[Job]:
        query = select(jobs).where(jobs.c.status == "running")
        lost = jobs.c.lease < codec.to_micros(now) if worker_prefix is None else jobs.c.worker.startswith(worker_prefix, autoescape=True)
        with self._database.reading() as connection:
            return [codec.row_job(row) for row in connection.execute(query.where(lost)).all()]

    def find_finished(self, before: datetime, limit: int) -> list[str]:
        moment = codec.to_micros(before)
        # A job finishes after it was created, so the index on `created` bounds the walk.
        query = select(jobs.c.id).where(jobs.c.created < moment, jobs.c.finished < moment, jobs.c.status.in_(_FINAL))
        with self._database.reading() as connection:
            return list(connection.scalars(query.order_by(jobs.c.created).limit(limit)))


def _append(connection: Connection, job_id: str, entries: Sequence[LogEntry]) -> None:
    if not entries:
        return
    last = connection.scalar(_LAST_LINE, {"key": job_id}) or 0
    connection.execute(_ADD_LINES, [
        {"job": job_id, "number": last + offset, "at": codec.to_micros(entry.at), "level": entry.level,
         "percent": entry.percent, "message": entry.message} for offset, entry in enumerate(entries, 1)])


def _narrowed(wanted: JobFilter) -> Select:
    query = select(jobs)
    if wanted.after:
        query = query.where(tuple_(jobs.c.created, jobs.c.id) < tuple_(*wanted.after))
    if wanted.created_from:
        query = query.where(jobs.c.created >= codec.to_micros(wanted.created_from))
    if wanted.created_to:
        query = query.where(jobs.c.created <= codec.to_micros(wanted.created_to))
    if wanted.min_duration is not None or wanted.max_duration is not None:
        now = codec.to_micros(datetime.now(UTC))
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
