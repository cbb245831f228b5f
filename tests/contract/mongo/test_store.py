"""What the MongoDB store promises beyond the contract: few commands, large
values, little for a list, indexes for every query."""

import os
from datetime import UTC, datetime, timedelta

import bson
import pytest
from pymongo.database import Database as PlainDatabase

from tests.contract.mongo.conftest import Commands, count
from tests.support.jobs import PLENTY, SECOND, T0, add, in_status, line, new, take, until
from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.execution import Execution, Subscriber
from weaver_like.domain.job import Follower, JobFilter, Move, Outcome, Report
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.step import Step, StepStatus
from weaver_like.domain.values import Occurrences, Value
from weaver_like.stores.mongo.store import MongoStore


def given(value: object) -> Execution:
    return Execution({"a": Occurrences((Value(value),), ("/inputs/a",))})


class TestCommands:
    """What a job costs."""

    def test_the_whole_life_of_a_job_is_three_commands(self, store: MongoStore, commands: Commands) -> None:
        add(store)
        commands.clear()
        (job_id,) = add(
            store, T0 - SECOND, execution=Execution(subscriber=Subscriber("http://s/ok", None, "http://s/bad"))
        )
        claim = store.jobs.claim_next("w1", until())
        assert claim.job.id == job_id
        assert store.jobs.move(
            job_id,
            Move(
                Status.SUCCESSFUL,
                attempt=1,
                outcome=Outcome((Result("a", 1),), statistics={"x": 1}),
                entries=[line("1"), line("2")],
            ),
        )
        assert commands.sent == [("insert", "jobs"), ("findAndModify", "jobs"), ("update", "jobs")]

    def test_a_sign_of_life_is_one_command(self, store: MongoStore, commands: Commands) -> None:
        job_id = in_status(store, Status.RUNNING)
        commands.clear()
        assert store.jobs.report(job_id, 1, Report(until(), percent=5, message="five"))
        assert commands.sent == [("findAndModify", "jobs")]

    def test_steps_are_kept_by_one_command(self, store: MongoStore, commands: Commands) -> None:
        job_id = in_status(store, Status.RUNNING)
        commands.clear()
        store.steps.keep(job_id, 1, [Step(number, "step", StepStatus.RUNNING) for number in range(1, 200)])
        assert commands.sent == [("aggregate", "jobs")]
        store.steps.keep(job_id, 1, [])
        assert len(commands.sent) == 1

    def test_a_list_reads_neither_inputs_nor_results(self, store: MongoStore, commands: Commands) -> None:
        add(store, *(T0 + SECOND * number for number in range(50)), execution=given("x" * 16000))
        commands.clear()
        assert len(store.jobs.find(JobFilter(limit=49)).jobs) == 49
        assert commands.sent == [("find", "jobs")]
        assert commands.received_bytes < 50 * 500

    def test_a_page_of_a_thousand_is_one_command(
        self, store: MongoStore, plain: PlainDatabase, commands: Commands
    ) -> None:
        (job_id,) = add(store)
        row = plain.jobs.find_one({"_id": job_id})
        plain.jobs.insert_many([row | {"_id": f"{number}"} for number in range(1100)])
        commands.clear()
        assert len(store.jobs.find(JobFilter(limit=1000)).jobs) == 1000
        assert commands.sent == [("find", "jobs")]

    def test_a_finished_job_is_small(self, store: MongoStore, plain: PlainDatabase) -> None:
        store.jobs.add(new(execution=given("hello"), base_url="https://example.org/processes"), PLENTY)
        job = store.jobs.claim_next("0123456789ab/1/", until()).job
        statistics = dict.fromkeys(
            ("queuedSeconds", "wallSeconds", "cpuSeconds", "peakMemoryBytes", "bytesInTotal", "bytesOutTotal"),
            1234.5678,
        )
        assert store.jobs.move(
            job.id,
            Move(
                Status.SUCCESSFUL,
                attempt=1,
                outcome=Outcome((Result("a", "hello"),), statistics=statistics),
                entries=[line("end")],
            ),
        )
        assert len(bson.encode(plain.jobs.find_one())) < 1000


class TestTimes:
    """Clocks of two machines differ a little, and a command takes its time."""

    def test_a_job_never_starts_before_it_was_made_nor_ends_before_it_started(self, store: MongoStore) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        (job_id,) = add(store, soon)
        assert store.jobs.claim_next("w1", until()).job.started == soon
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1))
        job = store.jobs.get(job_id)
        assert job.created == job.started == job.finished == job.updated


class TestLogs:
    """Who sees the end of a job sees its log."""

    def test_lines_of_moves_stand_between_others(self, store: MongoStore, plain: PlainDatabase) -> None:
        job_id = in_status(store, Status.RUNNING)
        store.logs.append(job_id, [line("1"), line("2")])
        assert store.jobs.move(job_id, Move(Status.ACCEPTED, attempt=1, entries=[line("3", 7), line("4")]))
        store.logs.append(job_id, [line("5")])
        assert store.jobs.move(job_id, Move(Status.DISMISSED, entries=[line("6")]))
        store.logs.append(job_id, [line("7")])
        assert [(entry.number, entry.message) for entry in store.logs.read(job_id)] == [
            (number, str(number)) for number in range(1, 8)
        ]
        for after in range(8):
            for limit in range(1, 8):
                assert [entry.number for entry in store.logs.read(job_id, after, limit)] == list(range(1, 8))[
                    after : after + limit
                ]
        assert store.logs.read(job_id)[2].percent == 7
        assert count(plain.job_logs) == 4

    def test_very_many_lines_come_before_the_move(self, store: MongoStore, plain: PlainDatabase) -> None:
        job_id = in_status(store, Status.RUNNING)
        lines = [line(f"{number} " + "x" * 10000) for number in range(2000)]
        assert not store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=2, entries=lines))
        assert store.logs.read(job_id) == []
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, entries=lines))
        assert [entry.message for entry in store.logs.read(job_id, limit=2000)] == [entry.message for entry in lines]
        assert len(bson.encode(plain.jobs.find_one())) < 1000


class TestIndexes:
    """No question makes the server look at documents that it does not answer with."""

    def test_every_question_has_an_index(self, store: MongoStore, plain: PlainDatabase) -> None:
        self.crowd(store, plain)
        plain.command("profile", 2)
        self.ask_everything(store)
        plain.command("profile", 0)
        asked = [
            row
            for row in plain["system.profile"].find()
            if "planSummary" in row and row["ns"].endswith((".jobs", ".job_logs", ".job_parts"))
        ]
        assert len(asked) > 20
        for row in asked:
            assert "IXSCAN" in row["planSummary"] or "IDHACK" in row["planSummary"], row
            assert not row.get("hasSortStage"), row
            assert row.get("docsExamined", 0) <= 25, row

    def crowd(self, store: MongoStore, plain: PlainDatabase) -> None:
        """300 finished jobs with a log and callbacks that are settled, so that a walk past an index would be seen."""
        (job_id,) = add(store, execution=Execution(subscriber=Subscriber("http://s/ok", None, "http://s/bad")))
        assert store.jobs.move(job_id, Move(Status.DISMISSED))
        store.logs.append(job_id, [line("end")])
        store.outbox.settle(take(store, datetime.now(UTC))[0].id, None)
        row, log = plain.jobs.find_one({"_id": job_id}), plain.job_logs.find_one({}, {"_id": 0})
        plain.jobs.insert_many(
            [
                row
                | {
                    "_id": f"{n}",
                    "status": ("failed", "successful")[n % 2],
                    "process": f"p{n % 10}",
                    "created": row["created"] + n,
                }
                for n in range(300)
            ]
        )
        plain.job_logs.insert_many([log | {"job": f"{n}"} for n in range(300)])
        assert row["callbacks"] == []  # and so they stand in no index of callbacks

    def ask_everything(self, store: MongoStore) -> None:
        subscribed = Execution(subscriber=Subscriber("http://s/ok", "http://s/now", "http://s/bad"))
        add(store, T0, T0, execution=subscribed)
        processes = [("p1",), ("p1", "p2", "p3"), tuple(f"p{number}" for number in range(41)), ()]
        for after in (None, (10**18, "5")):
            for chosen in processes:
                for statuses in ((), (Status.FAILED,), (Status.FAILED, Status.DISMISSED)):
                    store.jobs.find(JobFilter(processes=chosen, statuses=statuses, after=after))
        store.jobs.find(JobFilter(processes=("p1",), created_from=T0, created_to=T0 + SECOND * 9))
        store.intake.count_waiting(99)
        store.jobs.count_waiting(until())
        first, second = (
            store.jobs.claim_next("w1", until()).job.id,
            store.jobs.claim_next("w1", until(), "default").job.id,
        )
        store.jobs.find_lost(until())
        store.jobs.find_lost(until(), "w")
        store.outbox.add_progress(first, "http://s/now")
        assert store.jobs.move(first, Move(Status.SUCCESSFUL, attempt=1, followers=[new()]))
        store.logs.append(second, [line("x")])
        store.logs.read(first)
        for callback in take(store, until()):
            store.outbox.settle(callback.id, until())
            store.outbox.settle(callback.id, None)
        assert store.outbox.next_due() is None
        store.jobs.find_finished(until(), 10)
        assert store.jobs.delete(first)


class TestLargeValues:
    """A document of MongoDB has at most 16 MiB; a job may have more."""

    def test_they_survive_and_go_with_the_job(self, store: MongoStore, plain: PlainDatabase) -> None:
        request, value, trace = os.urandom(5 * 2**20).hex(), "☃" * 10**7, "t" * 20000
        entry = new(execution=given(request), followers=(Follower("next", given(request[:99999])),))
        store.jobs.add(entry, PLENTY)
        claim = store.jobs.claim_next("w1", until())
        assert claim.execution.inputs["a"].items[0].data == request
        assert claim.followers == entry.followers
        assert store.jobs.move(
            entry.job.id,
            Move(
                Status.SUCCESSFUL, attempt=1, outcome=Outcome((Result("a", value), Result("b", 2**70)), traceback=trace)
            ),
        )
        kept = store.jobs.get_documents(entry.job.id)
        assert [result.value for result in kept.results] == [value, 2**70]
        assert kept.execution.inputs["a"].items[0].data == request
        assert (kept.traceback, kept.followers) == (trace, entry.followers)
        assert plain.job_parts.distinct("part") == ["execution", "followers", "results", "traceback"]
        assert count(plain.job_parts) == 2 + 1 + 4 + 1
        assert store.jobs.delete(entry.job.id)
        assert count(plain.job_parts) == 0

    def test_followers_may_have_them_too(self, store: MongoStore) -> None:
        job_id = in_status(store, Status.RUNNING)
        follower = new(execution=given("x" * 17 * 2**20), parent_id=job_id)
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, followers=[follower]))
        store.jobs.find_lost(datetime.now(UTC) + timedelta(days=1))
        assert store.jobs.claim_next("w1", until()).execution == follower.execution

    def test_a_late_writer_leaves_none_and_touches_none(self, store: MongoStore, plain: PlainDatabase) -> None:
        job_id = in_status(store, Status.RUNNING)
        ours, theirs = (Outcome((Result("a", letter * 30000),)) for letter in "ab")
        assert store.jobs.move(job_id, Move(Status.SUCCESSFUL, attempt=1, outcome=ours))
        assert not store.jobs.move(job_id, Move(Status.FAILED, attempt=1, outcome=theirs))
        assert store.jobs.get_documents(job_id).results == ours.results
        assert count(plain.job_parts) == 1

    def test_what_a_document_refers_to_is_not_swept(self, store: MongoStore, plain: PlainDatabase) -> None:
        """Also if a crash came before the chunk was marked as kept."""
        store.jobs.add(new(id="a", execution=given("x" * 20000)), PLENTY)
        plain.job_parts.update_many({}, {"$set": {"loose": 1}})
        store.jobs.find_lost(datetime.now(UTC))
        assert store.jobs.get_documents("a").execution == given("x" * 20000)
        assert count(plain.job_parts) == 1
        assert "loose" not in plain.job_parts.find_one()

    def test_a_job_that_is_being_deleted_is_no_such_job(self, store: MongoStore, plain: PlainDatabase) -> None:
        store.jobs.add(new(id="a", execution=given("x" * 20000)), PLENTY)
        plain.job_parts.delete_many({})
        with pytest.raises(NoSuchJob):
            store.jobs.get_documents("a")


class TestTexts:
    """What a client writes is never read as a command to the database."""

    @pytest.mark.parametrize("text", ["$process", "$$ROOT", "$", "a.b", "\x00"])
    def test_texts_with_a_meaning_to_the_database_stay_texts(self, store: MongoStore, text: str) -> None:
        entry = new(process="p", title=text, base_url=text, execution=given(text))
        store.jobs.add(entry, PLENTY)
        assert store.jobs.claim_next(text, until()).job.worker == text
        follower = new(title=text, execution=Execution(subscriber=Subscriber(text, None, text)))
        assert store.jobs.move(
            entry.job.id,
            Move(
                Status.SUCCESSFUL,
                message=text,
                outcome=Outcome((Result("a", text),), traceback=text),
                followers=[follower],
                entries=[line(text)],
            ),
        )
        job, kept = store.jobs.get(entry.job.id), store.jobs.get_documents(entry.job.id)
        assert (job.title, job.base_url, job.message, kept.traceback, kept.results[0].value) == (text,) * 5
        assert store.jobs.get(follower.job.id).title == text
        assert store.jobs.move(follower.job.id, Move(Status.FAILED))
        assert [callback.uri for callback in take(store, datetime.now(UTC))] == [text]
