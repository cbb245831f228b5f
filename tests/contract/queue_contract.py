"""What every `JobStore` promises about its queue: claims, moves, leases, followers; and the contract as a whole."""

import itertools
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.contract.jobs_contract import FindingContract, KeepingContract, SeeingContract
from tests.support.jobs import PLENTY, SECOND, T0, add, in_status, line, new, until
from weaver_like.domain.errors import NoSuchJob, ServerBusy
from weaver_like.domain.job import JobFilter, Move, Outcome, Report
from weaver_like.domain.results import Result
from weaver_like.domain.status import MOVES, Status
from weaver_like.stores.base import Store


class QueueContract:
    """Claims, moves, leases, followers, the limit of the queue."""

    def claim_all(self, store: Store) -> list[str]:
        claims = iter(lambda: store.jobs.claim_next("w1", until()), None)
        return [claim.job.id for claim in claims]

    def test_an_empty_queue_gives_nothing(self, store: Store) -> None:
        assert store.jobs.claim_next("w1", until()) is None

    def test_urgent_first_then_first_come(self, store: Store) -> None:
        entries = [new(T0 + SECOND * number, priority=priority) for number, priority in enumerate((2, 1, 0, 1, 0, 2))]
        for entry in entries:
            store.jobs.add(entry, PLENTY)
        assert self.claim_all(store) == [entries[number].job.id for number in (2, 4, 1, 3, 0, 5)]

    def test_waiting_makes_urgent(self, store: Store) -> None:
        """ageing_s of the store under test is 60: a level is worth a minute."""
        old, younger, urgent = (
            add(store, T0 - SECOND * 61, priority=1)
            + add(store, T0 - SECOND * 59, priority=1)
            + add(store, T0, priority=0)
        )
        assert self.claim_all(store) == [old, urgent, younger]

    def test_a_claim_is_the_workers_own(self, store: Store) -> None:
        (job_id,) = add(store)
        lease = until()
        job = store.jobs.claim_next("host/1", lease).job
        assert (job.id, job.status, job.attempt, job.worker) == (job_id, Status.RUNNING, 1, "host/1")
        assert job.started is not None
        assert job == store.jobs.get(job_id)
        assert store.jobs.claim_next("host/2", lease) is None

    def test_one_job_is_claimed_by_its_id_once(self, store: Store) -> None:
        first, second = add(store, T0, T0 + SECOND)
        claim, documents = store.jobs.claim(second, "host/1", until()), store.jobs.get_documents(second)
        assert (claim.job.id, claim.job.status, claim.job.attempt) == (second, Status.RUNNING, 1)
        assert (claim.job, claim.execution) == (store.jobs.get(second), documents.execution)
        assert [store.jobs.claim(job_id, "host/2", until()) for job_id in (second, "nobody")] == [None, None]
        assert store.jobs.get(second).worker == "host/1"
        assert store.jobs.claim_next("host/2", until()).job.id == first
        assert store.jobs.move(second, Move(Status.DISMISSED))
        assert store.jobs.claim(second, "host/1", until()) is None

    def test_workers_of_a_queue_claim_its_jobs_only(self, store: Store) -> None:
        (slow,), (urgent,), (gpu,) = add(store, T0), add(store, T0 + SECOND, priority=0), add(store, T0, queue="gpu")
        assert store.jobs.claim_next("w1", until(), "none") is None
        assert [store.jobs.claim_next("w1", until(), "default").job.id for _ in range(2)] == [urgent, slow]
        assert store.jobs.claim_next("w1", until(), "default") is None
        assert store.jobs.claim_next("w1", until(), "gpu").job.id == gpu

    def test_waiting_jobs_are_counted_by_queue(self, store: Store) -> None:
        add(store, T0, T0 + SECOND, T0 + 9 * SECOND)
        add(store, T0, queue="gpu")
        assert store.jobs.count_waiting(T0) == {}
        assert store.jobs.count_waiting(T0 + SECOND * 2) == {"default": 2, "gpu": 1}
        store.jobs.claim_next("w1", until(), "gpu")
        assert store.jobs.count_waiting(T0 + SECOND * 10) == {"default": 3}

    def test_a_second_attempt_keeps_the_first_start_and_says_nothing_old(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        first = store.jobs.get(job_id)
        assert store.jobs.report(job_id, 1, Report(until(), percent=70, message="seventy"))
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1, message="waits for another"))
        waiting = store.jobs.get(job_id)
        assert (waiting.progress, waiting.worker, waiting.attempt, waiting.message) == (0, None, 1, "waits for another")
        second = store.jobs.claim_next("w2", until()).job
        assert (second.attempt, second.worker, second.started, second.message) == (2, "w2", first.started, "")

    def test_a_job_that_was_given_back_gets_a_new_number(self, store: Store) -> None:
        """The number tells a late writer from the holder, also if the stop of the server does not count as a loss."""
        job_id = in_status(store, Status.RUNNING)
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1, counted=False))
        held = store.jobs.claim_next("w2", until()).job.attempt
        assert held != 1
        assert not store.jobs.report(job_id, 1, Report(until(), percent=99))
        assert not store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1))
        assert store.jobs.report(job_id, held, Report(until(), percent=10))

    @pytest.mark.parametrize(("origin", "to"), list(itertools.product(Status, Status)))
    def test_moves_are_those_of_the_table(self, store: Store, origin: Status, to: Status) -> None:
        job_id = in_status(store, origin)
        before, log, documents = store.jobs.get(job_id), store.logs.read(job_id), store.jobs.get_documents(job_id)
        follower = new()
        moved = store.jobs.move(
            job_id,
            Move(
                to, message="moved", outcome=Outcome((Result("a", 1),)), followers=[follower], entries=[line("moved")]
            ),
        )
        assert moved is (to in MOVES[origin])
        after = store.jobs.get(job_id)
        if moved:
            assert (after.status, after.message) == (to, "moved")
            assert (after.finished is not None) is to.final
            assert store.jobs.get(follower.job.id).status is Status.ACCEPTED
        else:
            assert (after, store.logs.read(job_id), store.jobs.get_documents(job_id)) == (before, log, documents)
            with pytest.raises(NoSuchJob):
                store.jobs.get(follower.job.id)

    def test_moving_an_unknown_job_does_nothing(self, store: Store) -> None:
        assert not store.jobs.move("unknown", Move(Status.DISMISSED))
        assert not store.jobs.report("unknown", 1, Report(until()))

    def test_a_late_writer_changes_nothing(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1))
        assert not store.jobs.report(job_id, 1, Report(until(), percent=99))
        store.jobs.claim_next("w2", until())
        assert not store.jobs.report(job_id, 1, Report(until(), percent=99, message="late"))
        for to in (Status.SUCCESSFUL, Status.FAILED, Status.ACCEPTED):
            assert not store.jobs.move(job_id, Move(to, attempt=1, message="late"))
        assert store.jobs.report(job_id, 2, Report(until(), percent=10))
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=2, outcome=Outcome((Result("a", 2),))))
        job = store.jobs.get(job_id)
        assert (job.status, job.message, job.progress) == (Status.SUCCESSFUL, "", 100)

    def test_of_two_who_end_a_job_one_wins(self, store: Store) -> None:
        for _ in range(20):
            job_id = in_status(store, Status.RUNNING)
            with ThreadPoolExecutor(4) as pool:
                ends = [Status.SUCCESSFUL, Status.DISMISSED, Status.FAILED, Status.DISMISSED]
                won = list(
                    pool.map(
                        lambda to, job_id=job_id: store.jobs.move(
                            job_id, Move(to, message=str(to), entries=[line(str(to))])
                        ),
                        ends,
                    )
                )
            assert won.count(True) == 1
            winner = ends[won.index(True)]
            assert (store.jobs.get(job_id).status, store.jobs.get(job_id).message) == (winner, str(winner))
            assert [entry.message for entry in store.logs.read(job_id)] == [str(winner)]

    def test_lost_jobs_are_found_by_lease_and_by_worker(self, store: Store) -> None:
        now = datetime.now(UTC)
        add(store, T0, T0 + SECOND, T0 + 2 * SECOND)
        late = store.jobs.claim_next("a/1", now - SECOND).job.id
        alive = store.jobs.claim_next("a_2", now + SECOND * 60).job.id
        assert [job.id for job in store.jobs.find_lost(now)] == [late]
        assert [job.id for job in store.jobs.find_lost(now, "a/")] == [late]
        assert {job.id for job in store.jobs.find_lost(now, "a")} == {late, alive}
        assert store.jobs.find_lost(now, "a%") == store.jobs.find_lost(now, "__") == []
        assert store.jobs.report(late, 1, Report(now + SECOND * 60))
        assert store.jobs.find_lost(now) == []
        assert store.jobs.move(late, Move(Status.SUCCESSFUL))
        assert store.jobs.find_lost(now + SECOND * 999, "a/") == []

    def test_a_full_queue_refuses_and_keeps_nothing(self, store: Store) -> None:
        kept = add(store, T0, T0 + SECOND)
        refused = new()
        with pytest.raises(ServerBusy) as caught:
            store.jobs.add(refused, 2)
        assert caught.value.retry_after_s
        for ask in (store.jobs.get, store.jobs.get_documents):
            with pytest.raises(NoSuchJob):
                ask(refused.job.id)
        assert len(store.jobs.find(JobFilter()).jobs) == 2
        assert store.jobs.claim_next("w1", until()).job.id == kept[0]  # a running job does not wait any more
        store.jobs.add(refused, 2)

    def test_the_limit_holds_against_many_at_once(self, store: Store) -> None:
        def attempt(_: int) -> bool:
            try:
                store.jobs.add(new(), 10)
            except ServerBusy:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(40))) == 10

    def test_followers_come_with_the_success_or_not_at_all(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        follower, twin = new(parent_id=job_id, owner="alice", visibility="private"), new(id=job_id)
        with pytest.raises(Exception):  # noqa: B017, each database has its own name for a key that exists
            store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, followers=[follower, twin], entries=[line("x")]))
        assert store.jobs.get(job_id).status is Status.RUNNING
        assert store.logs.read(job_id) == []
        with pytest.raises(NoSuchJob):
            store.jobs.get(follower.job.id)
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, followers=[follower]))
        kept = store.jobs.get(follower.job.id)
        assert (kept.parent_id, kept.owner, kept.visibility) == (job_id, "alice", "private")

    def test_each_job_is_claimed_once_however_many_workers_ask(self, store: Store, opening: str) -> None:
        """Three processes of the operating system with two threads each."""
        made = add(store, *(T0 + SECOND * number for number in range(150)))
        code = f"{opening}\n" + CLAIMER
        children = [
            subprocess.Popen([sys.executable, "-c", code, f"w{number}"], stdout=subprocess.PIPE, text=True)
            for number in range(3)
        ]
        claimed = [claim for child in children for claim in child.communicate(timeout=60)[0].split()]
        assert Counter(claimed) == Counter(made)
        assert all(
            job.status is Status.SUCCESSFUL and job.attempt == 1 for job in store.jobs.find(JobFilter(limit=200)).jobs
        )


#: What each claiming process runs after it has opened `store`.
CLAIMER = """
import sys, threading
from datetime import UTC, datetime, timedelta
from weaver_like.domain.job import Move
from weaver_like.domain.status import Status
claimed = []
def claim(name):
    while (claim := store.jobs.claim_next(name, datetime.now(UTC) + timedelta(minutes=1))) is not None:
        claimed.append(claim.job.id)
        assert store.jobs.move(claim.job.id, Move(Status.SUCCESSFUL, attempt=claim.job.attempt))
threads = [threading.Thread(target=claim, args=(f"{sys.argv[1]}-{number}",)) for number in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(*claimed)
"""


class JobStoreContract(KeepingContract, FindingContract, SeeingContract, QueueContract):
    """The whole contract."""
