"""Processes that this one starts, and the end of those that it did not: what a dead zygote left behind."""

import subprocess
import threading
from collections.abc import Sequence

from weaver_like.sandbox import kernel

_lock = threading.Lock()
_started: list[subprocess.Popen] = []


def start(command: Sequence[str], **options: object) -> subprocess.Popen:
    """`subprocess.Popen` in a session of its own, for a process that `end_orphans` must spare."""
    with _lock:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        _started.append(process)
    return process


def end_orphans() -> None:
    """End everything that came to this process because its parent ended; zygotes and plugins that other threads started go on.

    A process that does not adopt has no orphans: its other children, e.g. the workers of a server, are its own.
    """
    if not kernel.adopts_orphans():
        return
    with _lock:
        _started[:] = [process for process in _started if process.returncode is None]
        kernel.end_descendants({process.pid for process in _started})
