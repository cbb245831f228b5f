"""`weaver-like store copy`: from any store to any other, resumable, checked."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from tests.support.jobs import PLENTY, new
from tests.support.schedules import new as new_schedule
from tests.support.store_copy import COMMAND, run
from tests.support.stored_jobs import SECOND, T1, digests, varied, whole
from tests.support.waiting import wait_until
from weaver_like.domain.errors import CopyFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import JobDocuments, JobFilter, StoredJob
from weaver_like.domain.schedule import ScheduleFilter
from weaver_like.domain.status import Status
from weaver_like.domain.values import Occurrences, Value
from weaver_like.jobs.copy import Copied, copy_jobs
from weaver_like.settings import Settings
from weaver_like.stores.base import Store
from weaver_like.wiring import open_store


@pytest.fixture
def opened() -> Iterator[Callable[[str], Store]]:
    """Opens a store by its URL, with its tables."""
    stores: list[Store] = []

    def make(url: str) -> Store:
        stores.append(open_store(Settings(), url))
        stores[-1].migrate()
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def origin_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/origin.sqlite"


@pytest.fixture
def origin(opened: Callable[[str], Store], origin_url: str) -> Store:
    return opened(origin_url)


@pytest.fixture
def target_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/target.sqlite"


def copy(origin: Store, target: Store) -> Copied:
    return copy_jobs(origin, target, lambda _line: None)


def large(number: int, size_bytes: int) -> StoredJob:
    return whole(
        f"{number:04}",
        number,
        Status.SUCCESSFUL,
        documents=JobDocuments(Execution({"a": Occurrences((Value("x" * size_bytes),), ("/inputs/a",))})),
    )


def test_a_journey_through_every_kind_of_store_changes_nothing(
    opened: Callable[[str], Store],
    origin: Store,
    postgresql_url: str,
    mariadb_url: str,
    mongodb_url: str,
    target_url: str,
) -> None:
    origin.transfer.put(varied())
    stores = [origin, *map(opened, (postgresql_url, mariadb_url, mongodb_url, target_url))]
    copied = [copy(one, other) for one, other in pairwise(stores)]
    assert copied == [Copied(len(varied()), len(varied()), copied[0].digest)] * 4
    assert digests(stores[-1].transfer.export(None, 100)) == digests(varied())


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_text_and_value_survives_the_journey(
    opened: Callable[[str], Store],
    origin: Store,
    postgresql_url: str,
    mariadb_url: str,
    mongodb_url: str,
    data: st.DataObject,
) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    )
    given_value, words = data.draw(values), data.draw(TEXT)
    documents = JobDocuments(Execution({"a": Occurrences((Value(given_value),), ("/inputs/a",))}))
    jobs = [whole("1", 1, Status.FAILED, words), whole("2", 2, Status.RUNNING, words, documents=documents)]
    for url in (postgresql_url, mariadb_url, mongodb_url):
        store = opened(url)
        store.transfer.put(jobs)
        assert digests(store.transfer.export(None, 9)) == digests(jobs)
        store.close()


def test_the_command_says_what_it_did_and_again_copies_only_what_is_new(
    origin: Store, origin_url: str, postgresql_url: str
) -> None:
    origin.transfer.put(varied())
    first = run(origin_url, postgresql_url)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(
        f"{len(varied())} jobs copied; FROM and TO hold the same {len(varied())} jobs (SHA-256 "
    )
    assert "copied" in first.stderr
    again = run(origin_url, postgresql_url)
    assert again.stdout == first.stdout.replace(f"{len(varied())} jobs copied", "0 jobs copied")
    origin.transfer.put([whole("zz", 9, Status.FAILED)])
    assert run(origin_url, postgresql_url).stdout.startswith("1 jobs copied; FROM and TO hold the same ")


def test_a_copy_that_was_killed_goes_on_where_it_was(
    opened: Callable[[str], Store], origin: Store, origin_url: str, mariadb_url: str
) -> None:
    count = 40
    for number in range(count):
        origin.transfer.put([large(number, 2**20)])
    target = opened(mariadb_url)
    with subprocess.Popen([*COMMAND, origin_url, mariadb_url], stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: target.jobs.find(JobFilter(limit=1)).jobs, 60, "the first job")
        process.send_signal(signal.SIGKILL)
    before = len(target.jobs.find(JobFilter(limit=count)).jobs)
    assert 0 < before < count
    finished = run(origin_url, mariadb_url)
    assert finished.stdout.startswith(f"{count - before} jobs copied; FROM and TO hold the same {count} jobs"), (
        finished.stderr
    )


def test_a_job_of_30_mb_is_copied(opened: Callable[[str], Store], origin: Store, postgresql_url: str) -> None:
    origin.transfer.put([large(1, 30 * 2**20), large(2, 10)])
    assert copy(origin, opened(postgresql_url)).jobs == 2


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE jobs SET lease = lease + 1 WHERE id = 'job-1'", "Job job-1 is not the same in both stores: lease."),
        (
            "UPDATE job_logs SET message = 'x' WHERE job = 'job-2' AND number = 2",
            "Job job-2 is not the same in both stores: log.",
        ),
        ("UPDATE outbox SET attempts = 9 WHERE job = 'job-2'", "Job job-2 is not the same in both stores: callbacks."),
        (
            "UPDATE job_documents SET results = NULL WHERE job = 'job-2'",
            "Job job-2 is not the same in both stores: documents.",
        ),
        (
            "UPDATE jobs SET place = 0, progress = 1 WHERE id = 'job-2'",
            "Job job-2 is not the same in both stores: status, place.",
        ),
        ("DELETE FROM jobs WHERE id = 'job-2'", "TO is not a part of FROM: it holds no job job-2, but newer ones."),
        (
            "UPDATE jobs SET id = 'job-x' WHERE id = 'job-5'",
            "TO is not a part of FROM: it holds job job-x, which FROM does not hold.",
        ),
    ],
)
def test_a_difference_is_found_and_named(
    origin: Store, origin_url: str, opened: Callable[[str], Store], target_url: str, statement: str, told: str
) -> None:
    origin.transfer.put(varied())
    copy(origin, opened(target_url))
    engine = create_engine(target_url)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    engine.dispose()
    failed = run(origin_url, target_url)
    assert failed.returncode == 1
    assert told in failed.stderr
    assert failed.stdout == ""


def test_a_store_with_other_jobs_is_refused_and_left_alone(
    origin: Store, opened: Callable[[str], Store], target_url: str
) -> None:
    origin.transfer.put(varied())
    target = opened(target_url)
    target.transfer.put([whole("other", 3, Status.FAILED)])
    with pytest.raises(CopyFailed, match="it holds job other, which FROM does not hold"):
        copy(origin, target)
    assert [job.id for job in target.jobs.find(JobFilter()).jobs] == ["other"]


def test_a_store_is_not_copied_to_itself_under_another_name(
    origin: Store, origin_url: str, opened: Callable[[str], Store], postgresql_url: str, tmp_path: Path
) -> None:
    assert "the same store" in run(origin_url, origin_url.replace("origin", f"../{tmp_path.name}/origin")).stderr
    with pytest.raises(CopyFailed, match="the same store"):
        copy(opened(postgresql_url), opened(postgresql_url + "?application_name=other"))


def test_stores_that_are_at_work_are_refused_unless_forced(
    origin: Store, opened: Callable[[str], Store], origin_url: str, target_url: str
) -> None:
    now = datetime.now(UTC)
    target = opened(target_url)
    assert target.leaders.take("housekeeper", "server", now + timedelta(minutes=5))
    origin.transfer.put([whole("runs", 1, Status.RUNNING, lease=now + timedelta(minutes=5))])
    with pytest.raises(CopyFailed, match="runs, are held by workers whose leases have not expired"):
        copy(origin, target)
    origin.transfer.put([whole("runs", 1, Status.RUNNING, lease=T1)])
    with pytest.raises(CopyFailed, match="A server is using TO"):
        copy(origin, target)
    assert target.jobs.find(JobFilter()).jobs == ()
    assert run("--force", origin_url, target_url).returncode == 0


@pytest.mark.only("sqlite-embedded")
def test_a_server_on_the_store_is_noticed(serve: Callable, tmp_path: Path, target_url: str) -> None:
    serve(folder=tmp_path / "data")
    failed = wait_until(
        lambda: (made := run(f"sqlite:///{tmp_path}/data/weaver_like.sqlite", target_url)).returncode and made,
        20,
        "a refusal",
    )
    assert "A server is using FROM" in failed.stderr


@pytest.mark.only("sqlite-embedded")
def test_a_server_that_was_stopped_is_no_hindrance(serve: Callable, tmp_path: Path, target_url: str) -> None:
    served = serve(folder=tmp_path / "data")
    job_id = served.submit("greet", {"name": "x"})
    wait_until(lambda: served.get(f"/jobs/{job_id}")[1]["status"] == "successful", what="the end of the job")
    served.stop(signal.SIGINT)
    made = run(f"sqlite:///{tmp_path}/data/weaver_like.sqlite", target_url)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("1 jobs copied")


def test_a_copied_installation_is_served(origin_url: str, serve: Callable, postgresql_url: str) -> None:
    served = serve(f"store.url={origin_url}")
    done = served.submit("greet", {"name": "Zoë"})
    wait_until(lambda: served.get(f"/jobs/{done}")[1]["status"] == "successful")
    assert served.stop() == 0
    assert run("--force", origin_url, postgresql_url).returncode == 0
    moved = serve(f"store.url={postgresql_url}")
    assert moved.get(f"/jobs/{done}/results")[1].decode() == "Hello Zoë"
    assert moved.get(f"/jobs/{done}/logs")[0] == 200


def test_schedules_come_along(origin_url: str, mongodb_url: str, mariadb_url: str) -> None:
    stores = [open_store(Settings(), url) for url in (origin_url, mongodb_url, mariadb_url)]
    made = [
        new_schedule(T1, failure="☃"),
        new_schedule(T1 + SECOND, execution=Execution({"a": Occurrences((Value([2**70, None]),), ("/inputs/a",))})),
    ]
    stores[0].migrate()
    for schedule in made:
        stores[0].schedules.add(schedule, PLENTY)
    for urls in ((origin_url, mongodb_url), (mongodb_url, mariadb_url), (mongodb_url, mariadb_url)):
        assert run("--force", *urls).stdout.count("), 2 schedules and 0 deployed processes ") == 1
    assert [store.schedules.find(ScheduleFilter()).schedules for store in stores] == [tuple(made[::-1])] * 3
    stores[0].schedules.delete(made[0].id)
    assert made[0].id in run("--force", origin_url, mongodb_url).stderr
    for store in stores:
        store.close()


def test_a_store_that_is_not_there_is_named_and_not_made(tmp_path: Path, target_url: str) -> None:
    failed = run(f"sqlite:///{tmp_path}/typo.sqlite", target_url)
    assert failed.returncode == 1
    assert "FROM: The store's file is not there." in failed.stderr
    assert not (tmp_path / "typo.sqlite").exists()


def test_a_store_without_tables_is_no_origin(postgresql_url: str, target_url: str) -> None:
    assert "FROM: The store has not been migrated." in run(postgresql_url, target_url).stderr


def test_the_queue_goes_on_in_its_order(origin: Store, opened: Callable[[str], Store], mariadb_url: str) -> None:
    entries = [new(T1 + SECOND * number, priority=priority) for number, priority in enumerate((2, 1, 0))]
    for entry in entries:
        origin.jobs.add(entry, PLENTY)
    target = opened(mariadb_url)
    copy(origin, target)
    assert [target.jobs.claim_next("w", T1).job.id for _ in entries] == [entries[number].job.id for number in (2, 1, 0)]
