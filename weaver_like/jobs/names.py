"""Names of engines and workers that stay the same after a restart, so that what a dead one left is found at once."""

import fcntl
import os
import uuid
from pathlib import Path


def hold_name(file: Path) -> tuple[str, int] | None:
    """The name kept in a file, and the descriptor that holds it while it is open; None if another process holds it.

    The lock ends with the process that holds it, however it ends.
    """
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    name = os.read(descriptor, 64).decode().strip()
    if not name:
        name = uuid.uuid4().hex[:12]
        os.write(descriptor, name.encode())
    return name, descriptor


def hold_some_name(folder: Path, stem: str) -> tuple[str, int]:
    """The first name of `STEM-1.id`, `STEM-2.id`, ... that nobody holds."""
    number = 1
    while (held := hold_name(folder / f"{stem}-{number}.id")) is None:
        number += 1
    return held
