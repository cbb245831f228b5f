"""SQL stores on database servers: connections that die, deadlocks, and how often the server is asked."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import bindparam, create_engine, select, text, update
from sqlalchemy.pool import NullPool

from tests.support.jobs import PLENTY, T0, add, in_status, line, new, until
from tests.support.revisions import revision
from weaver_like.domain.errors import NoSuchJob, TooLarge, Unavailable
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import JobFilter, LogEntry, Move, Outcome, Report
from weaver_like.domain.package import Change, Deployed
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.values import Occurrences, Value
from weaver_like.stores.sql.connection import SqlConnection
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import Duplicate, repeated
from weaver_like.stores.sql.statement import Parameters, Statement
from weaver_like.stores.sql.store import SqlStore
from weaver_like.stores.sql.tables import jobs

_SESSIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}
_KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}
_COUNT = Statement(update(jobs).where(jobs.c.id == bindparam("key")).values(progress=jobs.c.progress + 1))
_MOST_BYTES = Statement(select(text("@@max_allowed_packet")))


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = SqlStore(SqlDatabase(url, "NORMAL", 4), 60)
    opened.migrate()
    yield opened
    opened.close()


def kill_connections(url: str) -> int:
    """End every other session on the database; how many there were."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        sessions = connection.scalars(text(_SESSIONS[engine.dialect.name])).all()
        for session in sessions:
            connection.execute(text(_KILL[engine.dialect.name].format(session)))
    return len(sessions)


def test_after_a_killed_connection_the_next_call_works(store: SqlStore, url: str) -> None:
    first, second = add(store, T0, T0)
    calls: list[Callable[[], object]] = [
        lambda: store.jobs.get(first),
        lambda: store.jobs.get_documents(first),
        lambda: store.jobs.find(JobFilter()).jobs,
        lambda: store.jobs.claim_next("w", until()),
        lambda: store.jobs.claim_next("w", until()),
        lambda: store.jobs.report(first, 1, Report(until(), entries=[line("x")])),
        lambda: store.logs.read(first),
        lambda: store.outbox.add_progress(first, "http://x") is None,
        lambda: store.outbox.take(until(), until(), 9),
        lambda: store.leaders.take("role", "a", until()),
        lambda: store.jobs.move(first, Move(Status.SUCCESSFUL, attempt=1)),
        lambda: store.jobs.delete(first),
        lambda: store.jobs.find_lost(until()),
    ]
    for call in calls:
        assert kill_connections(url)
        assert call()
    assert store.jobs.get(second).status is Status.RUNNING


class KillingEntries(Sequence):
    """Log entries in the midst of whose writing every connection is killed, the first time."""

    def __init__(self, url: str):
        self.killed = 0
        self._url = url

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> LogEntry:
        if not self.killed:
            self.killed = kill_connections(self._url)
        return [line("end")][index]


def test_a_connection_that_dies_within_a_transaction_costs_nothing(store: SqlStore, url: str) -> None:
    """Nothing of the first try was kept, so the second keeps it once."""
    job_id = in_status(store, Status.RUNNING)
    entries = KillingEntries(url)
    assert store.jobs.move(
        job_id, Move(Status.SUCCESSFUL, attempt=1, outcome=Outcome((Result("a", 1),)), entries=entries)
    )
    assert entries.killed
    assert [entry.message for entry in store.logs.read(job_id)] == ["end"]
    assert store.jobs.get_documents(job_id).results == (Result("a", 1),)


def test_a_new_job_is_kept_although_its_connection_died(store: SqlStore, url: str) -> None:
    add(store)
    assert kill_connections(url)
    entry = new()
    store.jobs.add(entry, PLENTY)
    assert store.jobs.get(entry.job.id) == entry.job
    with pytest.raises(Duplicate):
        store.jobs.add(entry, PLENTY)


def test_a_deadlock_is_begun_again(store: SqlStore) -> None:
    """Two transactions lock two jobs, each the other's first."""
    both = add(store, T0, T0)
    met = threading.Barrier(2, timeout=20)

    @repeated
    def change(order: list[str], waits: list[bool]) -> None:
        with store.database.writing() as connection:
            for number, job_id in enumerate(order):
                connection.change(_COUNT, {"key": job_id})
                if number == 0 and waits.pop():
                    met.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda order: change(order, [False, False, True]), (both, both[::-1])))
    assert [store.jobs.get(job_id).progress for job_id in both] == [2, 2]


def test_a_job_costs_few_statements(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """To add, claim and end it, with its results and log; BEGIN and COMMIT are counted too."""
    limits = {"postgresql": 8, "mariadb": 17}
    in_status(store, Status.SUCCESSFUL)
    statements: list[str] = []
    execute = SqlConnection.execute

    def counted(connection: SqlConnection, statement: str, parameters: Parameters = ()) -> None:
        statements.append(statement)
        execute(connection, statement, parameters)

    monkeypatch.setattr(SqlConnection, "execute", counted)
    store.jobs.add(new(), PLENTY)
    claim = store.jobs.claim_next("w", until())
    assert store.jobs.move(
        claim.job.id,
        Move(
            Status.SUCCESSFUL,
            attempt=1,
            outcome=Outcome((Result("a", 1),), statistics={"a": 1}),
            entries=[line("1"), line("2")],
        ),
    )
    assert len(statements) <= limits[store.database.kind], "\n".join(statements)


def test_what_mariadb_cannot_take_is_too_large_and_nothing_of_it_is_kept(mariadb_url: str) -> None:
    """The server would hang up, as if it had died."""
    opened = SqlStore(SqlDatabase(mariadb_url, "NORMAL", 1), 60)
    opened.migrate()
    with opened.database.single() as connection:
        most_bytes = connection.scalar(_MOST_BYTES)
    if most_bytes > 2**26:
        pytest.skip("max_allowed_packet of this server is large; a test of it would be slow")
    large = new(execution=Execution({"a": Occurrences((Value("\\" * (most_bytes // 4)),), ("/inputs/a",))}))
    with pytest.raises(TooLarge, match="max_allowed_packet"):
        opened.jobs.add(large, PLENTY)
    with pytest.raises(NoSuchJob):
        opened.jobs.get(large.job.id)
    fitting = new(execution=Execution({"a": Occurrences((Value("x" * (most_bytes - 2**20)),), ("/inputs/a",))}))
    opened.jobs.add(fitting, PLENTY)
    assert opened.jobs.get_documents(fitting.job.id).execution == fitting.execution
    opened.close()


def test_a_process_that_mariadb_cannot_take_is_too_large_and_nothing_of_its_change_is_kept(mariadb_url: str) -> None:
    """Neither a package, of which each byte takes two, nor a description, of which here each character does."""
    store = SqlStore(SqlDatabase(mariadb_url, "NORMAL", 1), 60)
    store.migrate()
    with store.database.single() as connection:
        most_bytes = connection.scalar(_MOST_BYTES)
    if most_bytes > 2**26:
        pytest.skip("max_allowed_packet of this server is large; a test of it would be slow")
    for large in (
        revision("large", content=b"x" * (most_bytes // 2)),
        revision("large", description="\n" * (most_bytes // 2)),
    ):
        with pytest.raises(TooLarge, match="The process 'large' or its package is larger"):
            store.deployments.change(Change(0, (revision(), large), (), {"echo": "1.0.0", "large": "1.0.0"}))
    assert store.deployments.get_deployed() == Deployed()
    assert store.deployments.find_revisions("echo") == []
    store.close()


def test_a_server_that_is_away_is_unavailable_and_its_password_is_in_no_log(
    caplog: pytest.LogCaptureFixture, url: str
) -> None:
    address = (
        create_engine(url).url.set(password="sesame", port=1, host="127.0.0.1").render_as_string(hide_password=False)
    )
    opened = SqlStore(SqlDatabase(address, "NORMAL", 1), 60)
    with pytest.raises(Unavailable) as raised:
        opened.jobs.get("x")
    assert "sesame" not in raised.value.detail + caplog.text
    assert "the store failed" in caplog.text
    opened.close()
