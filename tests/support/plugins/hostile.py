"""A process that finds its own channel to the worker, and writes to it what it likes."""

import os
import stat
import struct
import time

from weaver_like.authoring import Context, process


def channel() -> int:
    """The number of the one socket that a child has."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                return int(name)
        except OSError:
            continue
    raise RuntimeError("there is no channel")


@process(id="hostile")
def hostile(context: Context, text: str, framed: bool = True) -> str:
    body = text.encode("latin-1")
    os.write(channel(), struct.pack("!I", len(body)) + body if framed else body)
    time.sleep(0.2)
    if "done" in text:
        os._exit(0)
    return "went on"
