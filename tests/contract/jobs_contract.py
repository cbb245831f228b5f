"""What every `JobStore` promises about keeping and finding jobs; `queue_contract` has the rest."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.jobs import PATHS, PLENTY, SECOND, T0, add, in_status, line, new, until
from tests.support.owners import OWNERSHIPS, REQUESTERS, name_of
from weaver_like.domain.errors import Fault, InvalidInput, NoSuchJob
from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.ids import new_job_id
from weaver_like.domain.job import Follower, Job, JobFilter, Move, Outcome, Report
from weaver_like.domain.requester import Requester
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.domain.values import Occurrences, Reference, Value
from weaver_like.stores.base import Store

# fmt: off
VALUES = (
    False, True, None, 0, -1, 2**53 + 1, 2**63 - 1, 2**64, -(2**70), 0.1, -1.5e-300, 1e308,
    "", '☃ \U0001f600 " \\ \n \x00', [], [[]], {}, {"value": 1}, {"href": "x"}, {"a": {"b": [None, {"c": False}]}},
)
# fmt: on
QUALIFIED = Value({"value": 1}, Format("application/json", "utf-8", {"type": "object"}), qualified=True)
REFERENCE = Reference("https://example.org/a?b=c", Format("image/tiff", schema="https://example.org/s"), "title")
EXECUTION = Execution(
    {
        "plain": Occurrences(tuple(Value(value) for value in VALUES), ("/inputs/plain",) * len(VALUES)),
        "qualified": Occurrences((QUALIFIED,), ("/inputs/qualified",)),
        "reference": Occurrences((REFERENCE,), ("/inputs/reference",)),
    },
    {"a": OutputRequest(Transmission.REFERENCE, Format("text/plain")), "b": OutputRequest()},
    ResponseForm.RAW,
    Subscriber("http://s", None, "http://f"),
    0,
    "async",
    "title",
    "minimal",
    secrets=("qualified", "reference"),
)


class KeepingContract:
    """add, get, get_documents, delete."""

    def test_a_job_comes_back_as_it_was_added(self, store: Store) -> None:
        entry = new(
            priority=2,
            title="Títle ☃",
            parent_id=new_job_id(),
            base_url="https://example.org/base",
            owner="alice@example.org",
            visibility="group:maps",
        )
        store.jobs.add(entry, PLENTY)
        assert store.jobs.get(entry.job.id) == entry.job
        assert store.jobs.get(entry.job.id).created.utcoffset() == timedelta(0)

    def test_an_unknown_job_is_no_such_job(self, store: Store) -> None:
        for ask in (store.jobs.get, store.jobs.get_documents, store.logs.read):
            with pytest.raises(NoSuchJob):
                ask("unknown")

    def test_every_kind_of_value_survives(self, store: Store) -> None:
        entry = new(
            execution=EXECUTION, followers=(Follower("next", EXECUTION), Follower("last", Execution(outputs={})))
        )
        store.jobs.add(entry, PLENTY)
        kept = store.jobs.get_documents(entry.job.id)
        execution = kept.execution
        assert repr([item.data for item in execution.inputs["plain"].items]) == repr([*VALUES])
        assert execution.inputs["qualified"].items == (QUALIFIED,)
        assert execution.inputs["reference"].items == (REFERENCE,)
        assert execution.outputs == EXECUTION.outputs
        assert (execution.subscriber, execution.response) == (EXECUTION.subscriber, ResponseForm.RAW)
        assert (execution.priority, execution.mode, execution.title) == (0, "async", "title")
        assert execution.return_preference == "minimal"
        assert [follower.process_id for follower in kept.followers] == ["next", "last"]
        assert kept.followers[1].execution.outputs == {}
        claim = store.jobs.claim_next("w1", until())
        assert (claim.execution, claim.followers) == (kept.execution, kept.followers)

    def test_an_outcome_survives(self, store: Store) -> None:
        results = (
            Result("a", 2**70, size_bytes=21),
            Result("b", None, "/x/b/f.tif", Format("image/tiff"), 5, 0),
            Result("c", False),
            Result("d", [{"href": "/x/b/f.tif"}], references=((0, "href"),)),
        )
        error = InvalidInput("bad ☃", faults=[Fault("/inputs/a", "why")])
        job_id = in_status(store, Status.RUNNING)
        outcome = Outcome(results, error, "Traceback: x", {"cpuSeconds": 0.5, "bytesIn": {"a": 2**40}})
        assert store.jobs.move(job_id, Move(Status.FAILED, message="told", outcome=outcome, entries=[line("end")]))
        kept = store.jobs.get_documents(job_id)
        assert kept.results == results
        assert (type(kept.error), kept.error.detail, kept.error.faults) == (InvalidInput, error.detail, error.faults)
        assert (kept.traceback, kept.statistics) == (outcome.traceback, outcome.statistics)
        assert [entry.message for entry in store.logs.read(job_id)] == ["end"]
        assert store.jobs.get(job_id).message == "told"

    def test_odd_texts_survive(self, store: Store) -> None:
        """NUL, what some databases use to write it, blanks at an end, what is beyond the basic plane, and long ones."""
        odd = "\0a\0\ufdd0\ufdd00\ufdd01 \U0001f600 \\0 \\x00 % %s :x ' \" \x1a\r\n\t "
        entry = new(title=odd, base_url="http://x/\0")
        store.jobs.add(entry, PLENTY)
        assert store.jobs.claim_next("w1", until()).job.title == odd
        assert store.jobs.report(entry.job.id, 1, Report(until(), message=odd, entries=[line(odd), line("x" * 70000)]))
        assert store.jobs.get(entry.job.id).message == odd
        assert store.jobs.move(
            entry.job.id,
            Move(Status.FAILED, message=odd, outcome=Outcome(error=InvalidInput(odd), traceback=odd * 5000)),
        )
        kept = store.jobs.get_documents(entry.job.id)
        assert (store.jobs.get(entry.job.id).message, kept.error.detail, kept.traceback) == (odd, odd, odd * 5000)
        assert [found.message for found in store.logs.read(entry.job.id)] == [odd, "x" * 70000]
        assert (store.jobs.get(entry.job.id).title, store.jobs.get(entry.job.id).base_url) == (odd, "http://x/\0")

    def test_names_are_compared_exactly(self, store: Store) -> None:
        """Case, accents and blanks at the end count."""
        store.jobs.add(new(id="id", process="Echo", queue="Q"), PLENTY)
        for other in ("ID", "id ", "íd", "id\0", "\0", "", "id" * 500):
            with pytest.raises(NoSuchJob):
                store.jobs.get(other)
        for other in ("echo", "Echo ", "Écho", "Echo\0"):
            assert store.jobs.find(JobFilter(processes=(other,))).jobs == ()
        for other in ("q", "Q ", "Q\0"):
            assert store.jobs.claim_next("w1", until(), other) is None
        assert store.jobs.claim_next("w1", until(), "Q").job.id == "id"

    @pytest.mark.parametrize("status", list(Status))
    def test_only_a_finished_job_is_deleted(self, store: Store, status: Status) -> None:
        job_id = in_status(store, status)
        store.logs.append(job_id, [line("x")])
        assert store.jobs.delete(job_id) is status.final
        if status.final:
            for ask in (store.jobs.get, store.jobs.get_documents, store.logs.read):
                with pytest.raises(NoSuchJob):
                    ask(job_id)
            assert not store.jobs.delete(job_id)

    def test_a_deleted_job_stays_deleted_whatever_its_worker_still_says(self, store: Store) -> None:
        job_id = in_status(store, Status.RUNNING)
        assert store.jobs.move(job_id, Move(Status.DISMISSED))
        assert store.jobs.delete(job_id)
        assert not store.jobs.report(job_id, 1, Report(until(), percent=50, entries=[line("late")]))
        store.logs.append(job_id, [line("later")])
        with pytest.raises(NoSuchJob):
            store.logs.read(job_id)


class SeeingContract:
    """find with `seen_by`: the rule of `Requester.sees`."""

    @pytest.fixture
    def owned(self, store: Store) -> list[Job]:
        """A job of every kind, of two processes in turn, some of them dismissed; newest first."""
        made = []
        for number, (owner, visibility) in enumerate(OWNERSHIPS):
            entry = new(T0 + SECOND * number, "ab"[number % 2], owner=owner, visibility=visibility)
            store.jobs.add(entry, PLENTY)
            if number % 3 == 0:
                assert store.jobs.move(entry.job.id, Move(Status.DISMISSED))
            made.append(store.jobs.get(entry.job.id))
        return made[::-1]

    @pytest.mark.parametrize("requester", REQUESTERS, ids=name_of)
    def test_a_list_holds_what_the_requester_sees(self, store: Store, owned: list[Job], requester: Requester) -> None:
        seen = [job for job in owned if requester.sees(job.owner, job.visibility)]
        assert 0 < len(seen) < len(owned)
        assert list(store.jobs.find(JobFilter(limit=99, seen_by=requester)).jobs) == seen
        page = store.jobs.find(JobFilter(limit=2, seen_by=requester))
        found = list(page.jobs)
        while page.more:
            page = store.jobs.find(JobFilter(limit=2, after=found[-1].key, seen_by=requester))
            found += page.jobs
        assert found == seen

    @pytest.mark.parametrize("requester", REQUESTERS, ids=name_of)
    def test_it_combines_with_other_filters(self, store: Store, owned: list[Job], requester: Requester) -> None:
        seen = [job for job in owned if requester.sees(job.owner, job.visibility)]
        wanted = JobFilter(limit=99, seen_by=requester)
        many = ("a", *(f"p{number}" for number in range(99)))
        for processes in (("a",), ("a", "b"), many):
            found = store.jobs.find(replace(wanted, processes=processes)).jobs
            assert list(found) == [job for job in seen if job.process_id in processes]
            found = store.jobs.find(replace(wanted, processes=processes, statuses=(Status.DISMISSED,))).jobs
            assert list(found) == [job for job in seen if job.process_id in processes and job.status.final]
        found = store.jobs.find(replace(wanted, created_from=T0 + SECOND * 3, min_duration=SECOND)).jobs
        assert found == ()

    def test_without_a_requester_it_holds_everything(self, store: Store, owned: list[Job]) -> None:
        assert list(store.jobs.find(JobFilter(limit=99)).jobs) == owned


class FindingContract:
    """find with its filters, page by page."""

    def test_pages_follow_each_other_without_gap_or_repetition(self, store: Store) -> None:
        made = set(add(store, *(T0 + SECOND * (number // 7) for number in range(40))))  # seven at a time share a moment
        for limit in (1, 3, 10, 40, 41):
            seen: list[Job] = []
            page = store.jobs.find(JobFilter(limit=limit))
            seen += page.jobs
            while page.more:
                page = store.jobs.find(JobFilter(limit=limit, after=seen[-1].key))
                seen += page.jobs
            assert [job.key for job in seen] == sorted((job.key for job in seen), reverse=True)
            assert len(seen) == 40
            assert {job.id for job in seen} == made

    def test_a_new_job_does_not_move_the_next_page(self, store: Store) -> None:
        ids = add(store, *(T0 + SECOND * number for number in range(4)))
        page = store.jobs.find(JobFilter(limit=2))
        add(store, T0 + SECOND * 10)
        assert [job.id for job in store.jobs.find(JobFilter(limit=2, after=page.jobs[-1].key)).jobs] == [ids[1], ids[0]]

    def test_filters_narrow_and_combine(self, store: Store) -> None:
        rows = {}
        for number, (process, status) in enumerate(itertools.product(("a", "b", "c"), Status)):
            (job_id,) = add(store, T0 + SECOND * number, process=process)
            for step in PATHS[status]:
                assert (
                    store.jobs.claim_next("w", until()).job.id == job_id
                    if step is Status.RUNNING
                    else store.jobs.move(job_id, Move(step))
                )
            rows[job_id] = (process, status, T0 + SECOND * number)
            if status is Status.ACCEPTED:
                assert store.jobs.move(job_id, Move(Status.FAILED))  # so that it is not the next one to be claimed
                rows[job_id] = (process, Status.FAILED, T0 + SECOND * number)

        def expect(wanted: JobFilter, matches: object) -> None:
            found = store.jobs.find(wanted).jobs
            expected = [job_id for job_id, row in reversed(rows.items()) if matches(*row)]
            assert [job.id for job in found] == expected[: wanted.limit]
            assert store.jobs.find(wanted).more is (len(expected) > wanted.limit)

        expect(JobFilter(processes=("b",)), lambda process, *_: process == "b")
        expect(JobFilter(processes=("a", "c", "none"), limit=4), lambda process, *_: process in ("a", "c"))
        expect(
            JobFilter(statuses=(Status.RUNNING, Status.FAILED)),
            lambda _, status, __: status in (Status.RUNNING, Status.FAILED),
        )
        expect(
            JobFilter(processes=("a", "b"), statuses=(Status.DISMISSED,)),
            lambda process, status, _: process in "ab" and status is Status.DISMISSED,
        )
        expect(
            JobFilter(created_from=T0 + SECOND * 3, created_to=T0 + SECOND * 9, limit=99),
            lambda *row: T0 + SECOND * 3 <= row[2] <= T0 + SECOND * 9,
        )
        many = ("a", "b", *(f"p{number}" for number in range(30)))
        expect(
            JobFilter(processes=many, statuses=(Status.FAILED,), limit=2),
            lambda process, status, _: process in "ab" and status is Status.FAILED,
        )

    def test_duration_leaves_out_what_has_not_started(self, store: Store) -> None:
        """/req/job-list/duration-response"""
        short, running = in_status(store, Status.SUCCESSFUL), in_status(store, Status.RUNNING)
        add(store)
        (never_ran,) = add(store, T0 - SECOND)
        assert store.jobs.move(never_ran, Move(Status.DISMISSED))
        hour = timedelta(hours=1)
        assert {job.id for job in store.jobs.find(JobFilter(max_duration=hour)).jobs} == {short, running}
        assert {job.id for job in store.jobs.find(JobFilter(min_duration=timedelta(0))).jobs} == {short, running}
        assert store.jobs.find(JobFilter(min_duration=hour)).jobs == ()

    def test_finished_jobs_are_found_by_age(self, store: Store) -> None:
        done = [in_status(store, status) for status in (Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED)]
        in_status(store, Status.RUNNING)
        assert set(store.jobs.find_finished(until(), 10)) == set(done)
        assert len(store.jobs.find_finished(until(), 2)) == 2
        assert store.jobs.find_finished(T0 + SECOND, 10) == []
