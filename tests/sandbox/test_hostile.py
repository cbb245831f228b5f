"""Hostile commands: the job fails and says why; the server, other jobs and the machine do not notice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.sandbox.packages import Packages, shell
from tests.support.client import finished
from tests.support.waiting import wait_until
from weaver_like.observe.folders import FolderMeter
from weaver_like.sandbox.groups import GroupLimits, group_prefix, make_group


def processes_of(mark: str) -> list[psutil.Process]:
    """What runs with a mark in its arguments, or is called so."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if process.pid != os.getpid() and any(
            mark == part or part.endswith(f"#{mark}") for part in process.info["cmdline"] or ()
        ):
            found.append(process)
    return found


def marked(script: str, mark: str) -> str:
    return f"{script} #{mark}"


def gone(mark: str) -> bool:
    return wait_until(lambda: not processes_of(mark), 10, f"the end of every process of {mark}")


def groups(data: Path) -> list[Path]:
    """Control groups of an installation."""
    prefix = group_prefix(data / "work")
    return [
        Path(folder, name)
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if name.startswith(prefix)
    ]


def test_a_fork_bomb_ends_at_the_limit_while_another_job_goes_on(packages: Packages) -> None:
    other = packages.start(shell("sleep 2; echo calm"))
    ran = packages.run(shell(marked("f() { f | f & }; f; sleep 60", "bomb")))
    assert "more than 40 processes" in ran.reason
    assert packages.ended(other).text == "calm\n"
    assert gone("bomb")


def test_memory_is_limited_for_all_commands_together(packages: Packages) -> None:
    hog = "import time; x = bytearray(150 << 20); time.sleep(20)"
    ran = packages.run(
        shell(
            f"for i in 1 2 3 4; do python3 -c '{hog}' & p=\"$p $!\"; done; for one in $p; do wait $one || exit 9; done"
        )
    )
    assert "more than 400000000 bytes of memory (jobs.memory_limit_bytes)" in ran.reason


def test_memory_of_one_command_is_limited(packages: Packages) -> None:
    ran = packages.run(shell("python3 -c 'x = bytearray(1 << 30)'"))
    assert "MemoryError" in ran.reason or "bytes of memory" in ran.reason


@pytest.mark.parametrize("escape", ["", "setsid "])
def test_a_command_that_ignores_sigterm_is_dismissed_with_all_that_it_started(
    packages: Packages, folder: Path, escape: str
) -> None:
    mark = f"dismissed{len(escape)}"
    job = packages.start(
        shell(f"trap '' TERM; {escape}sh -c 'trap \"\" TERM; while :; do sleep 1; done #{mark}' & wait; sleep 60")
    )
    wait_until(lambda: processes_of(mark), 20, "the command")
    packages.app.delete(f"/jobs/{job}")
    assert finished(packages.app, job)["status"] == "dismissed"
    assert gone(mark)
    assert wait_until(lambda: not groups(folder), 10, "the end of the groups")


def test_a_time_limit_ends_a_command_that_ignores_sigterm(packages: Packages) -> None:
    began = time.monotonic()
    ran = packages.run(
        shell(
            marked("trap '' TERM; setsid sleep 1000 & while :; do sleep 1; done", "late"),
            requirements={"ToolTimeLimit": {"timelimit": 1}},
        )
    )
    assert "ran longer than its 1 s" in ran.reason
    assert time.monotonic() - began < 20
    assert gone("late")


def test_a_time_limit_ends_a_command_that_prints_without_end(packages: Packages) -> None:
    ran = packages.run(shell("yes >&2", requirements={"ToolTimeLimit": {"timelimit": 2}}))
    assert "ran longer than its 2 s" in ran.reason
    assert "jobs.log_lines is 200" in ran.log
    assert len(ran.log.splitlines()) < 300


def test_a_command_that_fills_the_disk_ends_at_the_limit(packages: Packages, folder: Path) -> None:
    ran = packages.run(shell("for i in $(seq 100); do head -c 1000000 /dev/zero > f$i; done; sleep 60"))
    assert "more than 20000000 bytes into its work folder (limits.work_bytes)" in ran.reason
    assert not list((folder / "work").glob(f"{ran.job}*"))


def test_one_file_does_not_grow_beyond_the_limit(packages: Packages) -> None:
    ran = packages.run(shell("exec head -c 100000000 /dev/zero > big"))
    assert "killed by signal 25" in ran.reason or "limits.work_bytes" in ran.reason


def test_endless_output_into_a_file_ends_at_the_limit(packages: Packages) -> None:
    ran = packages.run(shell("exec yes"))
    assert "killed by signal 25" in ran.reason or "limits.work_bytes" in ran.reason


def test_a_full_disk_fails_the_job_and_the_next_one_succeeds(make_app: Callable, small_disk: Path) -> None:
    data = small_disk / "data"
    full = Packages(
        make_app(
            "limits.work_bytes=0",
            "engine.workers=1",
            "store.url=sqlite:///" + str(small_disk.parent / "store.sqlite"),
            folder=data,
        )
    )
    ran = full.run(shell("head -c 100000000 /dev/zero > big"))
    assert "No space left on device" in ran.reason
    assert full.run(shell("echo room")).text == "room\n"


def test_a_great_many_files_end_at_the_limit(packages: Packages) -> None:
    ran = packages.run(shell("python3 -c 'for i in range(5000): open(str(i), \"w\")'; sleep 60"))
    assert "more than 2000 files and folders in its work folder (limits.work_files)" in ran.reason


def test_a_file_with_several_names_counts_once(tmp_path: Path) -> None:
    """Inputs are linked to where commands look for them; that takes no room."""
    (tmp_path / "file").write_bytes(b"x" * 1_000_000)
    for name in ("second", "third"):
        os.link(tmp_path / "file", tmp_path / name)
    meter = FolderMeter(str(tmp_path))
    meter.sample()
    assert 1_000_000 <= meter.size_bytes < 2_000_000
    assert meter.entries == 3


@pytest.mark.parametrize("asked", [{"ramMin": 999999999}, {"coresMin": 9999}, {"coresMin": "$(5000 + 5)"}])
def test_asking_for_more_than_there_is_fails_with_both_numbers(packages: Packages, asked: dict) -> None:
    ran = packages.run(shell("true", requirements={"ResourceRequirement": asked}))
    ((name, number),) = asked.items()
    assert f"asks for {5005 if isinstance(number, str) else number}" in ran.reason.replace("1e+09", "999999999")
    assert f"({name}); this server gives a job at most {381 if name == 'ramMin' else os.cpu_count()}" in ran.reason


def test_without_bubblewrap_every_descendant_ends_too(make_app: Callable) -> None:
    bare = Packages(make_app("sandbox.kind=none", "jobs.cancel_grace_s=0.2"))
    assert bare.run(shell("setsid sh -c 'while :; do sleep 1; done #stray' & echo done")).text == "done\n"
    assert gone("stray")
    job = bare.start(
        shell("setsid sh -c 'setsid sh -c \"while :; do sleep 1; done #deep\" & while :; do sleep 1; done' & sleep 60")
    )
    wait_until(lambda: processes_of("deep"), 20, "the command")
    bare.app.delete(f"/jobs/{job}")
    assert gone("deep")


def test_the_limit_of_processes_holds_without_bubblewrap(make_app: Callable, tmp_path: Path) -> None:
    group = make_group(tmp_path, GroupLimits(processes=30))
    group.remove()
    if not os.getuid() and not group.folders:
        pytest.skip("nothing limits the processes of root here: control groups are wanted")
    bare = Packages(make_app("sandbox.kind=none", "sandbox.processes=30"))
    assert "more than 30 processes" in bare.run(shell("f() { f | f & }; f; sleep 60 #barebomb")).reason
    assert gone("barebomb")


@pytest.mark.xdist_group("tasks of nobody")  # they are counted
@pytest.mark.parametrize("where", ["here", "namespace"])
def test_where_no_group_counts_them_the_kernel_does(where: str) -> None:
    """A bomb of an ordinary user is held long before anybody looks, also in a namespace of its own."""
    code = """
import ctypes, os, sys, time
from weaver_like.sandbox import kernel
if not os.getuid():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
kernel.limit_tasks(50)
if sys.argv[1] == "namespace":
    assert ctypes.CDLL(None).unshare(0x10000000) == 0
started = []
try:
    while len(started) < 300:
        started.append(os.fork())
        if not started[-1]:
            time.sleep(60)
except BlockingIOError:
    print(len(started), flush=True)
for child in started:
    os.kill(child, 9)
"""
    ran = subprocess.run([sys.executable, "-c", code, where], capture_output=True, text=True, timeout=60, check=True)
    assert 20 < int(ran.stdout) <= 50


def test_groups_of_a_killed_server_are_swept_at_the_next_start(serve: Callable) -> None:
    server = serve("engine.close=kill", "jobs.max_attempts=1")
    server.get(
        "/processes?id=long",
        "POST",
        shell("while :; do sleep 1; done #swept"),
        {"Content-Type": "application/cwl+json"},
    )
    server.submit("long")
    wait_until(lambda: processes_of("swept"), 20, "the command")
    server.stop(9)
    assert gone("swept")
    server.start()
    assert wait_until(lambda: not groups(server.folder), 10, "the end of the groups")
