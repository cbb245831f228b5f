"""Starts processes, and ends those that this process did not start: what a dead zygote left behind."""

import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from weaver_like.sandbox import kernel

#: Variables of the environment that processes with foreign code get; none of the service's own.
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_lock = threading.Lock()
_spawned: list[subprocess.Popen[bytes]] = []


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, which `end_orphans` spares. options: of `subprocess.Popen`."""
    with _lock:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        _spawned.append(process)
    return process


def end_orphans() -> None:
    """End every process that this one adopted; what other threads spawned goes on.

    A process that does not adopt has no orphans: its other children, e.g. the workers of a server, are its own.
    """
    if not kernel.adopts_orphans():
        return
    with _lock:
        _spawned[:] = [process for process in _spawned if process.returncode is None]
        kernel.end_descendants({process.pid for process in _spawned})


def scrubbed_environment(**more: str) -> dict[str, str]:
    """The environment of processes that run foreign code."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | more
