"""What every `Outbox` promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.support.jobs import SECOND, add, take, until
from weaver_like.domain.errors import FetchFailed
from weaver_like.domain.execution import Execution, Subscriber
from weaver_like.domain.job import Move, Outcome
from weaver_like.domain.status import Status
from weaver_like.stores.base import Store


class OutboxContract:
    """Callbacks wait in the outbox until they are settled."""

    def subscribed(self, store: Store) -> str:
        (job_id,) = add(
            store, execution=Execution(subscriber=Subscriber("http://s/ok", "http://s/now", "http://s/bad"))
        )
        store.jobs.claim_next("w1", until())
        return job_id

    @pytest.mark.parametrize(
        ("to", "kind", "uri"),
        [
            (Status.SUCCESSFUL, "success", "http://s/ok"),
            (Status.FAILED, "failed", "http://s/bad"),
            (Status.DISMISSED, "failed", "http://s/bad"),
        ],
    )
    def test_a_final_status_puts_its_callback_there(self, store: Store, to: Status, kind: str, uri: str) -> None:
        job_id = self.subscribed(store)
        assert store.outbox.next_due() is None
        assert store.jobs.move(job_id, Move(to))
        assert not store.jobs.move(job_id, Move(to))
        (callback,) = take(store, datetime.now(UTC))
        assert (callback.job_id, callback.kind, callback.uri, callback.attempts) == (job_id, kind, uri, 0)

    def test_progress_waits_once(self, store: Store) -> None:
        job_id = self.subscribed(store)
        for _ in range(3):
            store.outbox.add_progress(job_id, "http://s/now")
        (callback,) = take(store, datetime.now(UTC))
        store.outbox.settle(callback.id, None)
        assert store.outbox.next_due() is None

    def test_a_callback_is_put_off_and_then_settled(self, store: Store) -> None:
        first, second = self.subscribed(store), self.subscribed(store)
        assert store.jobs.move(first, Move(Status.FAILED, outcome=Outcome(error=FetchFailed("x"))))
        assert store.jobs.move(second, Move(Status.SUCCESSFUL))
        now = datetime.now(UTC)
        (callback,) = store.outbox.take(now, now + SECOND * 99, 1)
        assert callback.job_id == first
        later = now + SECOND * 5
        store.outbox.settle(callback.id, later)
        assert [callback.job_id for callback in take(store, now)] == [second]
        assert [(callback.job_id, callback.attempts) for callback in take(store, later)] == [(first, 1)]
        store.outbox.settle(callback.id, None)
        assert store.outbox.next_due() == now + SECOND * 99

    def test_a_callback_that_was_taken_is_nobody_elses_until_its_time(self, store: Store) -> None:
        job_id = self.subscribed(store)
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL))
        now = datetime.now(UTC)
        (callback,) = store.outbox.take(now, now + SECOND * 5, 10)
        assert take(store, now) == take(store, now + SECOND * 4) == []
        assert take(store, now + SECOND * 6) == [callback]

    def test_of_many_couriers_one_takes_a_callback(self, store: Store) -> None:
        for _ in range(10):
            assert store.jobs.move(self.subscribed(store), Move(Status.SUCCESSFUL))
        now = datetime.now(UTC)
        with ThreadPoolExecutor(4) as pool:
            taken = [
                callback.id for callbacks in pool.map(lambda _: take(store, now), range(8)) for callback in callbacks
            ]
        assert len(taken) == len(set(taken)) <= 10
        taken += [callback.id for callback in take(store, now)]
        assert len(set(taken)) == 10
