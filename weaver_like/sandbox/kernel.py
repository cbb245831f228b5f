"""System calls of Linux that the standard library lacks; without effect where they do not exist."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Collection
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 4, 15, 36
# Looked up once, before any fork, so that no child has to.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def name_process(name: str) -> None:
    """Set what `ps -o comm` shows, at most 15 letters."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Have orphaned descendants become children of this process, not of init: none escapes by a double fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_from_siblings() -> None:
    """Keep other processes of this user from reading the memory and environment, which hold the store's credentials."""
    _prctl(_PR_SET_DUMPABLE, 0)


def identity(pid: int) -> str | None:
    """Process id and start time, which tell a process from a later one with the same id; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{pid}-{fields[19]}"


def children_of(pid: int) -> list[int]:
    """Process ids of the direct children."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(text) for text in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        pass
    return found


def count_threads(pid: int) -> int:
    """How many threads a process has; 0 if it has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def reap(name: str) -> None:
    """Wait for the end of the children of this process with this name (at most 15 letters)."""
    for pid in children_of(os.getpid()):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                os.waitpid(pid, 0)
        except (OSError, ChildProcessError):
            continue


def end_descendants(spared: Collection[int] = ()) -> list[resource.struct_rusage]:
    """Kill and reap every child of this process, and those it then adopts; what each of them used.

    spared: process ids of children that are left alone, with their descendants.
    """
    usages = []
    while remaining := [pid for pid in children_of(os.getpid()) if pid not in spared]:
        for pid in remaining:
            try:
                os.kill(pid, signal.SIGKILL)
                usages.append(os.wait4(pid, 0)[2])
            except (ProcessLookupError, ChildProcessError):
                continue
    return usages


def limit_tasks(more: int) -> None:
    """Let the user of this process have at most `more` processes and threads in addition to those that exist now.

    It also holds inside namespaces made later. Only the soft limit is set: container engines raise it for containers.
    The kernel does not apply it to root. Source: getrlimit(2), RLIMIT_NPROC.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    wanted = _count_tasks(os.getuid()) + more
    resource.setrlimit(resource.RLIMIT_NPROC, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _count_tasks(user: int) -> int:
    """Threads of all processes of a user."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            found = dict(
                line.split(":\t", 1)
                for line in status.read_text().splitlines()
                if line.startswith(("Uid:\t", "Threads:\t"))
            )
        except OSError:  # it has ended
            continue
        if int(found["Uid"].split()[0]) == user:
            count += int(found["Threads"])
    return count
