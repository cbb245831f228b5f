"""What every `StepStore` promises."""

from datetime import timedelta

import pytest

from tests.support.jobs import T0, add, in_status, until
from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.job import Move
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.stores.base import Store

ODD = "\0a\0\ufdd0\ufdd00 \U0001f600 \\0 % :x ' \" $a \x1a\r\n\t "


def step(number: int, status: StepStatus = StepStatus.SUCCESSFUL, **more: object) -> Step:
    """A step that has all that a step can have."""
    whole = {
        "name": f"sub/{ODD}/{number}",
        "started": T0,
        "finished": T0 + timedelta(microseconds=number),
        "command": ODD,
        "exit_code": -9,
        "message": ODD,
        "cpu_s": 0.1,
        "peak_bytes": 2**40,
        "tail": ("", ODD, "$b"),
    }
    return Step(**whole | {"number": number, "status": status} | more)


class StepStoreContract:
    """keep, find."""

    def test_steps_come_back_as_they_were_kept_in_pages(self, store: Store) -> None:
        job_id, other = in_status(store, Status.RUNNING), in_status(store, Status.RUNNING)
        assert store.steps.find(job_id) == []
        kept = [step(number, status) for number, status in enumerate([*StepStatus, StepStatus.FAILED], 1)] + [
            Step(9, "bare", StepStatus.ACCEPTED)
        ]
        store.steps.keep(job_id, 1, kept[3:])
        store.steps.keep(other, 1, [step(1, name="of another job")])
        store.steps.keep(job_id, 1, kept[:3])
        store.steps.keep(job_id, 1, [])
        assert store.steps.find(job_id) == kept
        assert store.steps.find(job_id, after=2, limit=3) == kept[2:5]
        assert store.steps.find(job_id, after=9) == []
        assert [found.name for found in store.steps.find(other)] == ["of another job"]

    def test_a_step_is_kept_in_place_of_what_it_was(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        store.steps.keep(job_id, 1, [step(1, StepStatus.ACCEPTED), step(2)])
        store.steps.keep(job_id, 1, [step(1, StepStatus.RUNNING, tail=())])
        assert store.steps.find(job_id) == [step(1, StepStatus.RUNNING, tail=()), step(2)]

    def test_only_the_attempt_that_holds_the_job_keeps_steps(self, store: Store) -> None:
        """A late worker changes nothing, and what it left is not shown with the steps of its successor."""
        (job_id,) = add(store)
        store.steps.keep(job_id, 0, [step(1)])
        assert store.steps.find(job_id) == []
        store.jobs.claim_next("w1", until())
        store.steps.keep(job_id, 1, [step(1), step(2), step(3)])
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1))
        assert len(store.steps.find(job_id)) == 3
        assert store.jobs.claim_next("w2", until()).job.attempt == 2
        store.steps.keep(job_id, 1, [step(1, StepStatus.FAILED)])
        assert store.steps.find(job_id) == []
        store.steps.keep(job_id, 2, [step(1, StepStatus.RUNNING)])
        store.steps.keep(job_id, 1, [step(1, StepStatus.FAILED)])
        assert store.steps.find(job_id) == [step(1, StepStatus.RUNNING)]
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=2))
        store.steps.keep(job_id, 2, [step(1, StepStatus.FAILED)])
        assert store.steps.find(job_id) == [step(1, StepStatus.RUNNING)]

    def test_steps_go_with_their_job(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        store.steps.keep(job_id, 1, [step(1)])
        assert store.jobs.move(job_id, Move(Status.DISMISSED))
        assert store.jobs.delete(job_id)
        store.steps.keep(job_id, 1, [step(1)])
        for name in (job_id, "unknown"):
            with pytest.raises(NoSuchJob):
                store.steps.find(name)
        assert store.transfer.export(None, 9) == []

    def test_many_and_large_steps(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        large = [step(number, tail=("x" * 1000,) * 20, command="y" * 4000) for number in range(1, 701)]
        store.steps.keep(job_id, 1, large)
        assert store.steps.find(job_id, after=100, limit=200) == large[100:300]
        assert len(store.steps.find(job_id)) == 700
        (whole,) = store.transfer.export(None, 9)
        assert whole.steps == tuple(large)
