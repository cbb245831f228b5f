"""The MongoDB store when somebody dies: a client between two commands, the server
itself, a connection with an answer under way."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database as PlainDatabase

from tests.contract.mongo.conftest import count, die
from tests.contract.mongo.cut import Cut
from tests.support.databases import MongoDB
from tests.support.jobs import PLENTY, SECOND, T0, add, in_status, line, new, take, until
from tests.support.servers import PrivateServer
from tests.support.waiting import wait_until
from weaver_like.domain.errors import NoSuchJob, Unavailable
from weaver_like.domain.execution import Execution, Subscriber
from weaver_like.domain.job import Move, Outcome
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.store import MongoStore

#: A child's code: a success with a follower that has a large input.
_SUCCEED = "store.jobs.move({job_id!r}, Move(Status.SUCCESSFUL, attempt=1, followers=[large('next', {job_id!r})]))"


class TestClientsThatDie:
    """In a child, killed just before it sends a command."""

    def test_followers_whose_success_was_kept_are_released_by_the_housekeeper(
        self, store: MongoStore, mongodb_url: str
    ) -> None:
        job_id = in_status(store, Status.RUNNING)
        die(mongodb_url, _SUCCEED.format(job_id=job_id), ("insert", "jobs"))
        assert store.jobs.get(job_id).status is Status.SUCCESSFUL
        now = datetime.now(UTC)
        store.jobs.find_lost(now)  # its writer may be alive
        with pytest.raises(NoSuchJob):
            store.jobs.get("next")
        assert store.jobs.count_waiting(until()) == {}
        assert store.jobs.claim_next("w1", until()) is None
        for _ in range(2):
            store.jobs.find_lost(now + timedelta(hours=2))
        claim = store.jobs.claim_next("w1", until())
        assert (claim.job.id, claim.job.parent_id) == ("next", job_id)
        assert len(claim.execution.inputs["a"].items[0].data) == 20000
        assert store.jobs.claim_next("w1", until()) is None

    def test_followers_that_were_released_come_once(
        self, store: MongoStore, mongodb_url: str, plain: PlainDatabase
    ) -> None:
        job_id = in_status(store, Status.RUNNING)
        die(mongodb_url, _SUCCEED.format(job_id=job_id), ("update", "jobs"), 2)
        assert store.jobs.claim_next("w1", until()).job.id == "next"
        store.jobs.find_lost(until())
        assert store.jobs.get("next").status is Status.RUNNING
        assert count(plain.jobs) == 2
        assert "next_jobs" not in plain.jobs.find_one({"_id": job_id})

    def test_followers_of_a_success_that_was_not_kept_never_come(
        self, store: MongoStore, mongodb_url: str, plain: PlainDatabase
    ) -> None:
        job_id = in_status(store, Status.RUNNING)
        die(mongodb_url, _SUCCEED.format(job_id=job_id), ("update", "jobs"))
        store.jobs.find_lost(datetime.now(UTC) + timedelta(hours=2))
        assert store.jobs.get(job_id).status is Status.RUNNING
        with pytest.raises(NoSuchJob):
            store.jobs.get("next")
        assert count(plain.job_parts) == 0

    def test_a_job_that_is_deleted_leaves_its_followers(self, store: MongoStore, mongodb_url: str) -> None:
        job_id = in_status(store, Status.RUNNING)
        die(mongodb_url, _SUCCEED.format(job_id=job_id), ("insert", "jobs"))
        assert store.jobs.delete(job_id)
        assert store.jobs.get("next").status is Status.ACCEPTED

    def test_followers_that_were_not_released_go_with_the_others_to_another_store(
        self, store: MongoStore, mongodb_url: str
    ) -> None:
        job_id = in_status(store, Status.RUNNING)
        die(mongodb_url, _SUCCEED.format(job_id=job_id), ("insert", "jobs"))
        (parent,), (follower,) = store.transfer.export(None, 1), store.transfer.export(store.jobs.get(job_id).key, 1)
        assert (parent.job.id, follower.job.id) == (job_id, "next")

    def test_chunks_of_a_job_that_was_not_kept_are_swept(
        self, store: MongoStore, mongodb_url: str, plain: PlainDatabase
    ) -> None:
        die(mongodb_url, "store.jobs.add(large('a'), 99)", ("insert", "jobs"))
        assert count(plain.job_parts) == 1
        now = datetime.now(UTC)
        store.jobs.find_lost(now)  # its writer may be alive
        assert count(plain.job_parts) == 1
        store.jobs.find_lost(now + timedelta(hours=2))
        assert count(plain.job_parts) == 0

    def test_a_delete_that_was_not_completed_can_be_repeated(
        self, store: MongoStore, mongodb_url: str, plain: PlainDatabase
    ) -> None:
        job_id = in_status(store, Status.SUCCESSFUL)
        store.logs.append(job_id, [line("x")])
        die(mongodb_url, f"store.jobs.delete({job_id!r})", ("delete", "jobs"))
        assert store.jobs.get(job_id).status is Status.SUCCESSFUL
        assert store.jobs.delete(job_id)
        assert count(plain.jobs) == count(plain.job_logs) == 0


class TestServersThatDie:
    """A mongod of the test's own, killed as a crash does."""

    def test_what_was_answered_is_kept(self, private_server: Callable[[type[PrivateServer]], PrivateServer]) -> None:
        server = private_server(MongoDB)
        store = MongoStore(MongoDatabase(server.url + "?serverSelectionTimeoutMS=300", 4), 60)
        store.migrate()
        finished, claimed, added = [], [], []
        failures = []

        def work() -> None:
            try:
                while True:
                    added.extend(add(store))
                    claim = store.jobs.claim_next("w1", until())
                    claimed.append(claim.job.id)
                    if store.jobs.move(
                        claim.job.id, Move(Status.SUCCESSFUL, attempt=1, outcome=Outcome((Result("a", claim.job.id),)))
                    ):
                        finished.append(claim.job.id)
            except Unavailable as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(finished) > 100)
        server.kill()
        for thread in threads:
            thread.join()
        assert len(failures) == 3
        with pytest.raises(Unavailable):
            store.ping()
        server.start()
        for job_id in added:
            assert store.jobs.get(job_id).id == job_id
        for job_id in claimed:
            assert store.jobs.get(job_id).attempt == 1
        for job_id in finished:
            assert store.jobs.get(job_id).status is Status.SUCCESSFUL
            assert store.jobs.get_documents(job_id).results[0].value == job_id
        store.close()


class TestAnswersThatAreLost:
    """The server did what it was asked for, but the connection broke before it could say so."""

    @pytest.fixture
    def cut(self, plain: PlainDatabase) -> Iterator[Cut]:
        proxy = Cut(plain.client.address)
        yield proxy
        proxy.close()

    @pytest.fixture
    def shaky(self, cut: Cut, store: MongoStore, plain: PlainDatabase) -> Iterator[MongoStore]:
        """The store through the proxy."""
        opened = MongoStore(
            MongoDatabase(f"mongodb://127.0.0.1:{cut.port}/{plain.name}?directConnection=true&retryWrites=false", 2), 60
        )
        opened.ping()
        yield opened
        opened.close()

    def test_a_job_is_added_once(self, cut: Cut, shaky: MongoStore, store: MongoStore) -> None:
        cut.lose(b"insert")
        (job_id,) = add(shaky)
        assert cut.lost == 1
        assert store.jobs.claim_next("w1", until()).job.id == job_id
        assert store.jobs.claim_next("w1", until()) is None

    def test_a_move_is_done_once(self, cut: Cut, shaky: MongoStore, store: MongoStore) -> None:
        (job_id,) = add(store, execution=Execution(subscriber=Subscriber("http://s/ok")))
        store.jobs.claim_next("w1", until())
        follower = new(parent_id=job_id)
        cut.lose(b"update")
        assert shaky.jobs.move(
            job_id,
            Move(
                Status.SUCCESSFUL,
                attempt=1,
                outcome=Outcome((Result("a", "x" * 20000),)),
                followers=[follower],
                entries=[line("end")],
            ),
        )
        assert cut.lost == 1
        assert [entry.number for entry in store.logs.read(job_id)] == [1]
        assert len(take(store, datetime.now(UTC))) == 1
        assert store.jobs.get_documents(job_id).results[0].value == "x" * 20000
        assert store.jobs.get(follower.job.id).parent_id == job_id
        assert not shaky.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, followers=[follower]))

    def test_a_claim_that_nobody_heard_of_is_a_lost_job(self, cut: Cut, shaky: MongoStore, store: MongoStore) -> None:
        store.jobs.add(new(T0), PLENTY)
        cut.lose(b"findAndModify")
        with pytest.raises(Unavailable):
            shaky.jobs.claim_next("w1", datetime.now(UTC) - SECOND)
        assert [job.worker for job in store.jobs.find_lost(datetime.now(UTC))] == ["w1"]
