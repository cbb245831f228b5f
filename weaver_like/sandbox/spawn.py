"""Starts processes that run foreign code, or fork those that do."""

import os
import subprocess
from collections.abc import Sequence
from typing import Any

#: Variables of the environment that processes with foreign code get; none of the service's own.
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own. options: of `subprocess.Popen`."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)


def scrubbed_environment(**more: str) -> dict[str, str]:
    """The environment of processes that run foreign code."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | more
