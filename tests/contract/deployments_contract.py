"""What every `DeploymentStore` promises."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from tests.contract.opening import open_store
from tests.support.owners import OWNERSHIPS, REQUESTERS, name_of
from tests.support.revisions import MIB, SECOND, T0, deploy, full, revision, versions
from weaver_like.domain.errors import NoSuchProcess, TooLarge, Unavailable
from weaver_like.domain.package import Change, Deployed, RevisionSummary
from weaver_like.domain.process import ExecutionUnit, JobControl, Process
from weaver_like.domain.requester import Requester
from weaver_like.stores.base import DeploymentStore, Store


class RevisionContract:
    """What was deployed comes back."""

    @pytest.fixture
    def deployments(self, store: Store) -> DeploymentStore:
        return store.deployments

    @pytest.fixture
    def unmade(self, store_url: str) -> Iterator[DeploymentStore]:
        """Of a database that nobody has migrated."""
        opened = open_store(store_url)
        yield opened.deployments
        opened.close()

    @pytest.fixture
    def other(self, deployments: DeploymentStore, database_url: str) -> Iterator[DeploymentStore]:
        """Of the same database as `deployments`."""
        opened = open_store(database_url)
        yield opened.deployments
        opened.close()

    def test_a_revision_comes_back_as_it_was_deployed(
        self, deployments: DeploymentStore, other: DeploymentStore
    ) -> None:
        made = full()
        deploy(deployments, made)
        for store in (deployments, other):
            got = store.get(*made.key)
            assert got == made
            assert list(got.process.inputs) == list(made.process.inputs)
            assert isinstance(got.process.job_control[0], JobControl)

    def test_a_package_is_kept_byte_for_byte(self, deployments: DeploymentStore) -> None:
        for content in (b"", b"\xff\xfe\0'\"\\\x1a", random.Random(1).randbytes(4 * MIB)):
            deploy(deployments, revision(content=content))
            assert deployments.get("echo", "1.0.0").package.content == content

    def test_large_descriptions_and_packages_fit(self, deployments: DeploymentStore) -> None:
        """8 MiB in the process, of which every eighth character must be escaped, and 4 MiB in the package.

        Two of them in one change.
        """
        unit = ExecutionUnit("cwl", {"text": "1234567\n" * (7 * 2**17)})
        one, two = (
            replace(revision(content=b"\xff" * (4 * MIB)), process=Process(name, "1", unit)) for name in ("one", "two")
        )
        deploy(deployments, one, two)
        assert deployments.get("one", "1") == one
        assert deployments.get("two", "1") == two

    def test_what_is_not_there_is_no_such_process(self, deployments: DeploymentStore) -> None:
        deploy(deployments, revision())
        for key in (("echo", "2"), ("Echo", "1.0.0"), ("echo ", "1.0.0"), ("x" * 500, "1.0.0")):
            with pytest.raises(NoSuchProcess):
                deployments.get(*key)
        assert deployments.find_revisions("none") == []

    def test_the_revision_deployed_last_comes_first(self, deployments: DeploymentStore) -> None:
        times = {"1.10": 2, "1.9": 3, "1.2": 1}
        deploy(
            deployments,
            *(revision(version=version, number=number) for version, number in times.items()),
            revision("another"),
        )
        assert deployments.find_revisions("echo") == [
            RevisionSummary("1.9", T0 + SECOND * 3),
            RevisionSummary("1.10", T0 + SECOND * 2),
            RevisionSummary("1.2", T0 + SECOND),
        ]

    @pytest.mark.parametrize("requester", REQUESTERS, ids=name_of)
    def test_a_list_of_revisions_holds_what_the_requester_sees(
        self, deployments: DeploymentStore, requester: Requester
    ) -> None:
        made = [
            replace(revision(version=f"{number}", number=number), owner=owner, visibility=visibility)
            for number, (owner, visibility) in enumerate(OWNERSHIPS)
        ]
        deploy(deployments, *made)
        seen = [one.process.version for one in made[::-1] if requester.sees(one.owner, one.visibility)]
        assert [summary.version for summary in deployments.find_revisions("echo", requester)] == seen
        assert versions(deployments) == [one.process.version for one in made[::-1]]
        assert [deployments.get("echo", one.process.version) for one in made] == made

    def test_ids_and_versions_are_told_apart_whatever_is_in_them(self, deployments: DeploymentStore) -> None:
        keys = [
            ("a.b", "c"),
            ("a", "b.c"),
            ("a", "B.c"),
            ("A", "b.c"),
            ("a", "b"),
            ("a.b", "c.d"),
            ("a-b", "1..2"),
            ("a", "b.c "),
        ]
        deploy(deployments, *(revision(*key) for key in keys))
        assert [deployments.get(*key).key for key in keys] == keys
        assert {name: set(versions(deployments, name)) for name, _ in keys} == {
            "a.b": {"c", "c.d"},
            "a": {"b.c", "B.c", "b", "b.c "},
            "A": {"b.c"},
            "a-b": {"1..2"},
        }


class DeploymentStoreContract(RevisionContract):
    """The whole contract."""

    def test_nothing_is_deployed_at_first(self, deployments: DeploymentStore) -> None:
        assert deployments.get_number() == 0
        assert deployments.get_deployed() == Deployed()

    def test_the_number_grows_with_every_change(self, deployments: DeploymentStore, other: DeploymentStore) -> None:
        for number in range(1, 4):
            deploy(deployments, revision(version=f"{number}"))
            assert deployments.get_number() == other.get_number() == number
        assert other.get_deployed() == Deployed(3, {"echo": "3"})
        assert deployments.change(Change(3))
        assert other.get_deployed() == Deployed(4, {"echo": "3"})

    def test_a_change_of_another_state_changes_nothing(self, deployments: DeploymentStore) -> None:
        deploy(deployments, revision(), revision("kept"))
        for number in (0, 2):
            added = (revision(content=b"late"), revision("late"))
            assert not deployments.change(Change(number, added, (("kept", "1.0.0"),), {"late": "1.0.0", "echo": None}))
        assert deployments.get_deployed() == Deployed(1, {"echo": "1.0.0", "kept": "1.0.0"})
        assert deployments.get("echo", "1.0.0") == revision()
        assert deployments.get("kept", "1.0.0") == revision("kept")
        assert versions(deployments, "late") == []

    def test_of_two_who_change_the_same_state_one_wins_and_nothing_is_seen_of_the_other(
        self, deployments: DeploymentStore, other: DeploymentStore
    ) -> None:
        for number in range(10):
            ready = Barrier(2, timeout=20)

            def race(store: DeploymentStore, name: str, number: int = number, ready: Barrier = ready) -> bool:
                added = (revision(name, f"{number}"), revision("both", "1", content=f"{name} {number}".encode()))
                ready.wait()
                return store.change(Change(number, added, (), {name: f"{number}", "both": "1"}))

            before = deployments.get_deployed().current
            with ThreadPoolExecutor(2) as pool:
                won = list(pool.map(race, (deployments, other), ("one", "two")))
            assert sorted(won) == [False, True]
            winner, loser = ("one", "two") if won[0] else ("two", "one")
            assert deployments.get_deployed() == Deployed(number + 1, before | {winner: f"{number}", "both": "1"})
            assert deployments.get("both", "1").package.content == f"{winner} {number}".encode()
            assert f"{number}" in versions(deployments, winner)
            assert f"{number}" not in versions(deployments, loser)

    def test_many_who_try_again_all_come_through(self, deployments: DeploymentStore, other: DeploymentStore) -> None:
        def insist(number: int) -> None:
            store = (deployments, other)[number % 2]
            while not store.change(
                Change(store.get_number(), (revision(version=f"{number}", number=number),), (), {"echo": f"{number}"})
            ):
                pass

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(insist, range(12)))
        assert deployments.get_number() == 12
        assert versions(deployments) == [f"{number}" for number in reversed(range(12))]

    def test_a_change_of_several_processes_is_seen_whole(
        self, deployments: DeploymentStore, other: DeploymentStore
    ) -> None:
        """Both have the same version at every moment, and what is current can be had."""
        deploy(deployments, revision("a", "0"), revision("b", "0"))

        def look(_: int) -> set[str]:
            seen = set(other.get_deployed().current.values())
            for version in seen:
                assert other.get("a", version).process.unit.target == {"of": version}
            return seen

        with ThreadPoolExecutor(2) as pool:
            looks = pool.map(look, range(60))
            for number in range(1, 8):
                deploy(deployments, revision("a", f"{number}"), revision("b", f"{number}"))
            assert {len(seen) for seen in looks} == {1}

    def test_a_change_that_cannot_be_kept_leaves_nothing(self, deployments: DeploymentStore) -> None:
        deploy(deployments, revision())
        broken = revision("broken", title="\ud800")  # half of a character: no text that UTF-8 can hold
        with pytest.raises((ValueError, TooLarge)):
            deployments.change(
                Change(1, (revision("whole"), broken), (("echo", "1.0.0"),), {"whole": "1.0.0", "echo": None})
            )
        assert deployments.get_deployed() == Deployed(1, {"echo": "1.0.0"})
        assert deployments.get("echo", "1.0.0") == revision()
        assert versions(deployments, "whole") == []
        deploy(deployments, revision("whole"))

    def test_the_moments_of_all_revisions_are_told(self, deployments: DeploymentStore) -> None:
        assert deployments.find_moments() == {}
        deploy(deployments, revision(), revision(version="2", number=1), revision("another"))
        assert deployments.find_moments() == {
            ("echo", "1.0.0"): T0,
            ("echo", "2"): T0 + SECOND,
            ("another", "1.0.0"): T0,
        }
        deploy(deployments, revision(version="2", number=5))
        assert deployments.find_moments()["echo", "2"] == T0 + SECOND * 5

    def test_a_replaced_revision_is_the_new_one(self, deployments: DeploymentStore, other: DeploymentStore) -> None:
        deploy(deployments, revision(content=b"old"), revision(version="2", number=1))
        assert deployments.change(Change(1, (revision(content=b"new", number=5, title="new"),)))
        assert other.get("echo", "1.0.0") == revision(content=b"new", number=5, title="new")
        assert versions(other) == ["1.0.0", "2"]
        assert other.get_deployed() == Deployed(2, {"echo": "2"})

    def test_a_reader_sees_the_old_or_the_new_of_what_is_replaced_again_and_again(
        self, deployments: DeploymentStore, other: DeploymentStore
    ) -> None:
        deploy(deployments, revision())
        with ThreadPoolExecutor(2) as pool:
            looks = pool.map(lambda _: other.get("echo", "1.0.0").package.content, range(100))
            for number in range(10):
                deploy(deployments, revision(content=f"{number}".encode()))
            assert set(looks) <= {b"{}", *(f"{number}".encode() for number in range(10))}

    def test_a_removed_revision_is_gone_and_the_others_stay(self, deployments: DeploymentStore) -> None:
        deploy(
            deployments,
            *(revision(version=f"{number}", number=number) for number in range(3)),
            revision("another", "1"),
        )
        assert deployments.change(Change(1, (), (("echo", "2"), ("echo", "0"), ("echo", "none")), {"echo": "1"}))
        assert versions(deployments) == ["1"]
        assert versions(deployments, "another") == ["1"]
        assert deployments.get_deployed() == Deployed(2, {"echo": "1", "another": "1"})
        with pytest.raises(NoSuchProcess):
            deployments.get("echo", "2")

    def test_a_process_without_a_current_version_goes_with_all_its_revisions(
        self, deployments: DeploymentStore
    ) -> None:
        deploy(deployments, *(revision(version=f"{number}") for number in range(3)), revision("another", "1"))
        assert deployments.change(Change(1, (), (), {"echo": None, "never there": None}))
        assert deployments.get_deployed() == Deployed(2, {"another": "1"})
        assert versions(deployments) == []
        with pytest.raises(NoSuchProcess):
            deployments.get("echo", "0")
        deploy(deployments, revision(version="3"))
        assert versions(deployments) == ["3"]

    def test_who_asks_before_the_first_migration_is_told_to_wait(self, unmade: DeploymentStore) -> None:
        for ask in (
            unmade.get_number,
            unmade.get_deployed,
            lambda: unmade.get("a", "1"),
            lambda: unmade.find_revisions("a"),
            unmade.find_moments,
            lambda: unmade.change(Change(0, (revision(),), (), {"echo": "1.0.0"})),
        ):
            with pytest.raises(Unavailable):
                ask()
