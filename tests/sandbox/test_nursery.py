"""The nursery forks what is asked for, says how it ended, and is started again when it died."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from weaver_like.sandbox.members import Member, Nursery
from weaver_like.sandbox.messages import ForkMember

RUNNER = "weaver_like.runners.python"


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery(["weaver_like.sandbox.zygote"])
    yield made
    made.close()


@pytest.fixture
def zygote(nursery: Nursery, tmp_path: Path) -> Iterator[Callable[..., tuple[Member, socket.socket]]]:
    """Has a zygote forked; it, and our end of its socket."""
    sockets = []

    def fork(*warm: str, folder: Path = tmp_path) -> tuple[Member, socket.socket]:
        ours, theirs = socket.socketpair()
        sockets.append(ours)
        order = ForkMember("weaver_like.sandbox.zygote", "wl-zygote", 2, warm=warm, folder=str(folder))
        with theirs:
            return nursery.fork(order, [theirs.fileno()]), ours

    yield fork
    for one in sockets:
        one.close()


def test_how_a_member_ended_is_told(zygote: Callable) -> None:
    killed, _ours = zygote(RUNNER)
    assert killed.lives
    killed.signal(signal.SIGKILL)
    assert killed.wait(10)
    assert killed.code == -signal.SIGKILL
    ended, ours = zygote(RUNNER)
    ours.close()
    assert ended.wait(10)
    assert ended.code == 0


def test_a_member_that_fails_at_its_start_has_ended(zygote: Callable, tmp_path: Path) -> None:
    failed, _ours = zygote(RUNNER, folder=tmp_path / "nowhere")
    assert failed.wait(10)
    assert failed.code not in (0, None)


def test_a_module_that_cannot_be_imported_ends_the_member_and_nobody_else(zygote: Callable) -> None:
    broken, _ours = zygote("weaver_like.no_such_module")
    assert broken.wait(10)
    assert broken.code not in (0, None)
    whole, _other = zygote(RUNNER)
    assert whole.lives


def test_a_wait_for_a_member_delays_nobody_else(zygote: Callable) -> None:
    member, ours = zygote(RUNNER)
    waiting = threading.Thread(target=member.wait, args=(20,))
    waiting.start()
    began = time.monotonic()
    assert member.lives
    assert time.monotonic() - began < 5
    ours.close()
    waiting.join(10)
    assert not waiting.is_alive()


def test_modules_of_one_member_make_no_other_larger(zygote: Callable) -> None:
    small, _first = zygote(RUNNER)
    large, _second = zygote(RUNNER, "weaver_like.stores.sql.store")
    after, _third = zygote(RUNNER)
    assert sqlalchemy_in(large.pid)
    assert not sqlalchemy_in(small.pid)
    assert not sqlalchemy_in(after.pid)


def sqlalchemy_in(pid: int) -> bool:
    return "sqlalchemy" in Path(f"/proc/{pid}/maps").read_text()


def test_a_nursery_that_died_is_started_again_and_its_members_end(nursery: Nursery, zygote: Callable) -> None:
    member, _ours = zygote(RUNNER)
    parent = int(Path(f"/proc/{member.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    assert member.wait(10)
    again, _others = zygote(RUNNER)
    assert again.lives
    assert again.pid != member.pid
