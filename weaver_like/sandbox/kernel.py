"""Calls of the Linux kernel that the standard library lacks; harmless where they do not exist."""
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
# Looked up once, before any fork: a child must not pay for it.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Descendants whose parent ended become children of this process, not of init: none escapes by a double fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_from_siblings() -> None:
    """No other process of this user may read this one's memory or environment: job code must not find the store's credentials."""
    _prctl(_PR_SET_DUMPABLE, 0)


def children_of(pid: int) -> list[int]:
    """Process ids of the direct children."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(text) for text in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        pass
    return found


def end_descendants() -> list[resource.struct_rusage]:
    """Kill and reap every child of this process, and those that become its children by that; what each of them used."""
    usages = []
    while remaining := children_of(os.getpid()):
        for pid in remaining:
            try:
                os.kill(pid, signal.SIGKILL)
                usages.append(os.wait4(pid, 0)[2])
            except (ProcessLookupError, ChildProcessError):
                continue
    return usages
