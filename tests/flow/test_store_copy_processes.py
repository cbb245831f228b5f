"""`weaver-like store copy`: deployed processes come along with all their revisions."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.revisions import MIB, SECOND, T0, deploy, full, revision, versions
from tests.support.store_copy import COMMAND, run
from tests.support.waiting import wait_until
from weaver_like.domain.errors import CopyFailed
from weaver_like.domain.package import Change, Deployed, RevisionSummary
from weaver_like.jobs.copy import CopiedProcesses, copy_processes
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
    """Two processes, one with three revisions, of which the second is current."""
    made = opened(origin_url)
    deploy(made.deployments, full(), *(revision(version=f"{number}", number=number) for number in (1, 2, 3)))
    assert made.deployments.change(Change(1, (), (), {"echo": "2"}))
    return made


@pytest.fixture
def target_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/target.sqlite"


def copy(origin: Store, target: Store) -> CopiedProcesses:
    return copy_processes(origin, target, lambda _line: None)


def everything(store: Store) -> tuple:
    current = store.deployments.get_deployed().current
    return current, {
        process_id: [store.deployments.get(process_id, version) for version in versions(store.deployments, process_id)]
        for process_id in current
    }


def test_a_journey_through_every_kind_of_store_changes_nothing(
    opened: Callable[[str], Store],
    origin: Store,
    postgresql_url: str,
    mariadb_url: str,
    mongodb_url: str,
    target_url: str,
) -> None:
    stores = [origin, *map(opened, (postgresql_url, mariadb_url, mongodb_url, target_url))]
    copied = [copy(one, other) for one, other in pairwise(stores)]
    assert copied == [CopiedProcesses(2, 4, copied[0].digest)] * 4
    assert [everything(store) for store in stores] == [everything(origin)] * 5
    assert stores[-1].deployments.find_revisions("echo") == [
        RevisionSummary(f"{number}", T0 + SECOND * number) for number in (3, 2, 1)
    ]
    assert stores[-1].deployments.get(*full().key) == full()


def test_the_command_copies_what_is_new_and_leaves_the_rest(
    opened: Callable[[str], Store], origin: Store, origin_url: str, mongodb_url: str
) -> None:
    target = opened(mongodb_url)
    first = run(origin_url, mongodb_url)
    assert ", 0 schedules and 2 deployed processes with 4 revisions (SHA-256 " in first.stdout, first.stderr
    number = target.deployments.get_number()
    assert run("--force", origin_url, mongodb_url).stdout == first.stdout
    assert target.deployments.get_number() == number
    deploy(origin.deployments, revision(version="4", number=4), revision("another"))
    again = run("--force", origin_url, mongodb_url)
    assert ", 0 schedules and 3 deployed processes with 6 revisions (SHA-256 " in again.stdout, again.stderr
    assert target.deployments.get_deployed() == Deployed(number + 2, origin.deployments.get_deployed().current)
    assert everything(target) == everything(origin)


def test_a_copy_that_was_killed_goes_on_where_it_was(
    opened: Callable[[str], Store], origin: Store, origin_url: str, postgresql_url: str
) -> None:
    for number in range(4, 16):
        deploy(origin.deployments, revision(version=f"{number}", number=number, content=b"\xff" * (4 * MIB)))
    target = opened(postgresql_url)
    with subprocess.Popen([*COMMAND, origin_url, postgresql_url], stderr=subprocess.DEVNULL) as process:
        wait_until(target.deployments.get_number, 60, "the first revision")
        process.send_signal(signal.SIGKILL)
    number = target.deployments.get_number()
    assert 0 < number < 16
    assert target.deployments.get_deployed().current["echo"] == "15"  # what there is can be served
    assert len(versions(target.deployments)) == number
    finished = run("--force", origin_url, postgresql_url)
    assert "2 deployed processes with 16 revisions" in finished.stdout, finished.stderr
    assert target.deployments.get_number() == 16
    assert everything(target) == everything(origin)


def test_a_target_with_others_is_refused_and_left_alone(
    opened: Callable[[str], Store], origin: Store, origin_url: str, target_url: str
) -> None:
    target = opened(target_url)
    deploy(target.deployments, revision(version="9"))
    failed = run(origin_url, target_url)
    assert failed.returncode == 1
    assert "TO holds version 9 of the deployed process echo, which FROM does not hold." in failed.stderr
    assert target.deployments.get_deployed() == Deployed(1, {"echo": "9"})


def test_a_difference_is_found_and_named_and_nothing_is_overwritten(
    opened: Callable[[str], Store], origin: Store, target_url: str
) -> None:
    target = opened(target_url)
    ours = origin.deployments.get("echo", "2")
    for theirs in (
        revision(version="2", number=2, content=b"other"),
        revision(version="2", number=3),
        revision(version="2", number=2, title="x"),
    ):
        deploy(target.deployments, theirs)
        assert theirs != ours
        with pytest.raises(CopyFailed, match="Version 2 of the deployed process echo is not the same in both stores"):
            copy(origin, target)
        assert target.deployments.get("echo", "2") == theirs
    deploy(target.deployments, ours)
    copy(origin, target)
    assert everything(target) == everything(origin)


def test_what_was_made_current_since_is_current_in_both(
    opened: Callable[[str], Store], origin: Store, mariadb_url: str
) -> None:
    target = opened(mariadb_url)
    first = copy(origin, target)
    assert origin.deployments.change(Change(origin.deployments.get_number(), (), (), {"echo": "3"}))
    second = copy(origin, target)
    assert (
        target.deployments.get_deployed().current
        == origin.deployments.get_deployed().current
        == {"echo": "3", full().process.id: full().process.version}
    )
    assert first.digest != second.digest
