"""What every `ScheduleStore` promises."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.owners import OWNERSHIPS, REQUESTERS, name_of
from tests.support.schedules import DUE, HOUR, SECOND, T0, add, fire, new
from weaver_like.domain.errors import Conflict, NoSuchJob, NoSuchSchedule, ServerBusy
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.job import JobFilter
from weaver_like.domain.requester import Requester
from weaver_like.domain.schedule import ScheduleFilter
from weaver_like.domain.values import Occurrences, Value
from weaver_like.stores.base import JobStore, ScheduleStore, Store

#: A process of its own that fires what is due, each with a job, as soon as a
#: line comes in. {opening}: makes `store`.
FIRING = """
import sys
{opening}
from tests.support.schedules import DUE, fire
print("ready", flush=True)
sys.stdin.readline()
print(sum(fire(store.schedules, schedule) for schedule in store.schedules.due(DUE, 1000)))
"""


class ScheduleKeepingContract:
    """add, get, find, delete."""

    @pytest.fixture
    def schedules(self, store: Store) -> ScheduleStore:
        return store.schedules

    @pytest.fixture
    def jobs(self, store: Store) -> JobStore:
        return store.jobs

    def test_a_schedule_comes_back_as_it_was_added(self, schedules: ScheduleStore) -> None:
        inputs = {"a": Occurrences((Value(2**70), Value({"c": None})), ("/inputs/a", "/inputs/a"))}
        outputs = {"b": OutputRequest(Transmission.REFERENCE, Format("text/plain"))}
        execution = Execution(
            inputs, outputs, ResponseForm.RAW, Subscriber("http://s"), 0, title="Títle ☃", secrets=("a",)
        )
        made = new(
            execution=execution,
            base_url="https://example.org/base",
            last_fired=T0,
            last_job_id=str(uuid.uuid4()),
            failure="☃",
            owner="alice@example.org",
            visibility="group:maps",
        )
        add(schedules, made)
        assert schedules.get(made.id) == made

    def test_an_unknown_schedule_is_no_such_schedule(self, schedules: ScheduleStore) -> None:
        with pytest.raises(NoSuchSchedule, match="unknown"):
            schedules.get("unknown")
        assert not schedules.delete("unknown")

    def test_a_list_is_newest_first_in_pages_that_nothing_moves(self, schedules: ScheduleStore) -> None:
        ids = add(
            schedules,
            *[
                new(T0 + SECOND * (number // 2), id=f"00000000-0000-4000-8000-00000000000{number}")
                for number in range(5)
            ],
        )
        first = schedules.find(ScheduleFilter(limit=2))
        assert ([schedule.id for schedule in first.schedules], first.more) == ([ids[4], ids[3]], True)
        add(schedules, new(T0 + HOUR))
        second = schedules.find(ScheduleFilter(after=first.schedules[-1].key, limit=3))
        assert ([schedule.id for schedule in second.schedules], second.more) == ([ids[2], ids[1], ids[0]], False)

    def test_a_list_of_some_processes_holds_no_others(self, schedules: ScheduleStore) -> None:
        one, two, _ = add(schedules, new(process="one"), new(T0 + SECOND, process="two"), new(process="three"))
        assert [schedule.id for schedule in schedules.find(ScheduleFilter(("one", "two"))).schedules] == [two, one]
        assert schedules.find(ScheduleFilter(("four",))).schedules == ()

    @pytest.mark.parametrize("requester", REQUESTERS, ids=name_of)
    def test_a_list_holds_what_the_requester_sees(self, schedules: ScheduleStore, requester: Requester) -> None:
        made = [
            new(T0 + SECOND * number, "ab"[number % 2], owner=owner, visibility=visibility)
            for number, (owner, visibility) in enumerate(OWNERSHIPS)
        ]
        add(schedules, *made)
        seen = [schedule for schedule in made[::-1] if requester.sees(schedule.owner, schedule.visibility)]
        first = schedules.find(ScheduleFilter(limit=2, seen_by=requester))
        rest = schedules.find(ScheduleFilter(after=first.schedules[-1].key, limit=99, seen_by=requester))
        assert [*first.schedules, *rest.schedules] == seen
        assert first.more is (len(seen) > 2)
        of_one = schedules.find(ScheduleFilter(("a",), limit=99, seen_by=requester)).schedules
        assert list(of_one) == [schedule for schedule in seen if schedule.process_id == "a"]
        assert list(schedules.find(ScheduleFilter(limit=99)).schedules) == made[::-1]

    def test_there_are_no_more_than_allowed(self, schedules: ScheduleStore) -> None:
        first, second = new(), new()
        schedules.add(first, 1)
        with pytest.raises(Conflict):
            schedules.add(second, 1)
        schedules.delete(first.id)
        schedules.add(second, 1)

    def test_a_deleted_schedule_is_gone_and_fires_no_more(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        made = new()
        add(schedules, made)
        assert schedules.delete(made.id)
        assert not schedules.delete(made.id)
        assert not fire(schedules, made)
        assert schedules.next_due() is None
        assert jobs.find(JobFilter()).jobs == ()

    def test_what_is_due_comes_in_the_order_of_waiting(self, schedules: ScheduleStore) -> None:
        assert schedules.next_due() is None
        late, later, soon = add(schedules, new(due=DUE), new(due=DUE - SECOND), new(due=DUE + SECOND))
        assert [schedule.id for schedule in schedules.due(DUE, 10)] == [later, late]
        assert [schedule.id for schedule in schedules.due(DUE + HOUR, 2)] == [later, late]
        assert schedules.due(DUE - HOUR, 10) == []
        assert schedules.next_due() == DUE - SECOND
        assert soon in [schedule.id for schedule in schedules.due(DUE + SECOND, 10)]


class ScheduleStoreContract(ScheduleKeepingContract):
    """The whole contract."""

    def test_a_firing_keeps_its_job_and_waits_for_the_next_time(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        made = new(failure="of the time before")
        add(schedules, made)
        assert fire(schedules, made)
        assert schedules.get(made.id) == replace(
            made, due=DUE + HOUR, last_fired=DUE + SECOND, last_job_id=made.next_job_id, failure=None
        )
        assert jobs.get(made.next_job_id).schedule_id == made.id
        assert jobs.claim_next("w1", datetime.now(UTC) + HOUR).job.id == made.next_job_id

    def test_a_failed_firing_is_told_and_the_last_job_stays(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        made = new()
        add(schedules, made)
        assert fire(schedules, made)
        again = schedules.get(made.id)
        assert fire(schedules, again, failure="no such process ☃")
        assert schedules.get(made.id) == replace(
            again, due=DUE + HOUR * 2, last_fired=DUE + SECOND, failure="no such process ☃"
        )
        with pytest.raises(NoSuchJob):
            jobs.get(again.next_job_id)

    def test_a_firing_of_the_past_changes_nothing(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        made = new()
        add(schedules, made)
        assert fire(schedules, made)
        after = schedules.get(made.id)
        assert not fire(schedules, made)
        assert not fire(schedules, made, failure="late")
        assert schedules.get(made.id) == after
        assert len(jobs.find(JobFilter()).jobs) == 1

    def test_a_full_queue_leaves_the_schedule_due(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        first, second = new(), new()
        add(schedules, first, second)
        assert fire(schedules, first, queue_limit=1)
        with pytest.raises(ServerBusy):
            fire(schedules, second, queue_limit=1)
        assert schedules.get(second.id) == second
        assert fire(schedules, second, queue_limit=1, failure="the queue was full")
        assert len(jobs.find(JobFilter()).jobs) == 1

    def test_of_many_threads_that_fire_one_succeeds(self, schedules: ScheduleStore, jobs: JobStore) -> None:
        for _ in range(10):
            made = new()
            add(schedules, made)
            with ThreadPoolExecutor(8) as pool:
                assert sum(pool.map(lambda _, made=made: fire(schedules, made), range(8))) == 1
        assert len(jobs.find(JobFilter(limit=100)).jobs) == 10

    def test_of_many_processes_that_fire_one_succeeds(
        self, schedules: ScheduleStore, jobs: JobStore, opening: str
    ) -> None:
        made = [new() for _ in range(100)]
        add(schedules, *made)
        code = FIRING.format(opening=opening)
        others = [
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        assert [other.stdout.readline() for other in others] == ["ready\n"] * 4
        for other in others:
            other.stdin.write("go\n")
            other.stdin.flush()
        assert sum(int(other.communicate(timeout=60)[0]) for other in others) == 100
        assert {job.id for job in jobs.find(JobFilter(limit=1000)).jobs} == {schedule.next_job_id for schedule in made}
        assert schedules.next_due() == DUE + HOUR
