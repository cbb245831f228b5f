"""SqlJobStore: jobs on SQLite (and whatever else speaks SQL)."""
import heapq
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice, product

from sqlalchemy import Connection, Select, delete, func, insert, select, tuple_, update

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
            waiting = connection.scalar(select(func.count()).select_from(jobs).where(jobs.c.status == "accepted"))
            if waiting >= queue_limit:
                raise ServerBusy(f"{waiting} jobs wait already; try again later.", retry_after_s=10)
            self._insert(connection, new)

    def _insert(self, connection: Connection, new: NewJob) -> None:
        connection.execute(insert(jobs), codec.job_row(new.job, self._ageing_s))
        connection.execute(insert(documents), codec.documents_row(new))

    def get(self, job_id: str) -> Job:
        with self._database.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
        if row is None:
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return codec.row_job(row)

    def get_documents(self, job_id: str) -> JobDocuments:
        with self._database.reading() as connection:
            row = connection.execute(select(documents).where(documents.c.job == job_id)).first()
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
        now = codec.to_micros(datetime.now(UTC))
        first = select(jobs.c.id).where(jobs.c.status == "accepted").order_by(jobs.c.place).limit(1)
        with self._database.writing() as connection:
            job_id = connection.scalar(first.with_for_update(skip_locked=True))
            if job_id is None:
                return None
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(
                status="running", started=func.coalesce(jobs.c.started, now), updated=now, worker=worker,
                attempt=jobs.c.attempt + 1, lease=codec.to_micros(lease_until)))
            row = connection.execute(select(jobs, documents.c.execution, documents.c.followers)
                                     .join(documents, documents.c.job == jobs.c.id).where(jobs.c.id == job_id)).one()
        return Claim(codec.row_job(row), parse_stored(loads(row.execution)), codec.load_followers(row.followers))

    def move(self, job_id: str, to: Status, *, attempt: int | None = None, message: str = "",
             outcome: Outcome | None = None, followers: Sequence[NewJob] = (), entries: Sequence[LogEntry] = ()) -> bool:
        now = codec.to_micros(datetime.now(UTC))
        statement = update(jobs).where(jobs.c.id == job_id, jobs.c.status.in_([str(origin) for origin in sources_of(to)]))
        if attempt is not None:
            statement = statement.where(jobs.c.attempt == attempt)
        changes: dict = {"status": str(to), "updated": now, "message": message, "lease": None}
        if to is Status.ACCEPTED:
            changes |= {"worker": None, "progress": 0}
        if to.final:
            changes |= {"finished": now}
        if to is Status.SUCCESSFUL:
            changes |= {"progress": 100}
        with self._database.writing() as connection:
            if connection.execute(statement.values(**changes)).rowcount != 1:
                return False
            if outcome is not None:
                connection.execute(update(documents).where(documents.c.job == job_id).values(
                    results=codec.dump_results(outcome.results), error=codec.dump_error(outcome.error), traceback=outcome.traceback,
                    statistics=dumps(outcome.statistics) if outcome.statistics else None))
            if to.final:
                self._announce(connection, job_id, to, now)
            for new in followers:
                self._insert(connection, new)
            _append(connection, job_id, entries)
        return True

    def _announce(self, connection: Connection, job_id: str, to: Status, now: int) -> None:
        execution = parse_stored(loads(connection.scalar(select(documents.c.execution).where(documents.c.job == job_id))))
        if execution.subscriber:
            kind = "success" if to is Status.SUCCESSFUL else "failed"
            uri = execution.subscriber.success_uri if kind == "success" else execution.subscriber.failed_uri
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
            _append(connection, job_id, entries)
        return alive

    def append_log(self, job_id: str, entries: Sequence[LogEntry]) -> None:
        with self._database.writing() as connection:
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
    last = connection.scalar(select(func.max(logs.c.number)).where(logs.c.job == job_id)) or 0
    connection.execute(insert(logs), [
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
