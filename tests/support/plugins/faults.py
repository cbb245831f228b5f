"""Attempts that leave notes, grandchildren of three kinds, slow and large files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from weaver_like.authoring import Context, File, process

#: The server's data folder, whose plugin this is.
DATA = Path(__file__).parents[1]
NOTES, FAMILY = DATA / "notes.txt", DATA / "family"


@process(id="note")
def note(context: Context, delay: float = 0.02) -> str:
    """Leave one line for every attempt that came to its end, with the time."""
    time.sleep(delay)
    with NOTES.open("a") as file:
        file.write(f"{context.workdir.name} {time.time()}\n")
    return "noted"


def _write(name: str, pid: int) -> None:
    (FAMILY / name).write_text(str(pid))


@process(id="short-family", time_limit_s=1.5)
def short_family(context: Context) -> str:
    return family(context, 60, True)


@process(id="family")
def family(context: Context, wait: float = 0, deaf: bool = False) -> str:
    """Has a child, a daemon of two forks, and a daemon that forks on in a session of its own."""
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    _write("child", child.pid)
    for name in ("orphan", "daemon"):
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            if os.fork() == 0:
                _write(name, os.getpid())
                if name == "daemon" and os.fork() == 0:
                    os.setsid()
                    _write("daemon2", os.getpid())
                while True:
                    time.sleep(1)
            os._exit(0)
        os.wait()
    while len(os.listdir(FAMILY)) < 4:
        time.sleep(0.01)
    context.log("all are there")
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if not deaf:
            context.check_cancelled()
        time.sleep(0.02)
    return "left them"


@process(id="slow-file")
def slow_file(context: Context, pause: float = 0) -> File:
    """The first attempt takes its time, the second one none."""
    context.log("began " + context.workdir.name)
    if context.workdir.name.endswith("-1"):
        time.sleep(pause)
    path = context.workdir / "text.txt"
    path.write_text(context.workdir.name[-1])
    return File(path, "text/plain")


@process(id="fill")
def fill(context: Context, size: int) -> File:
    path = context.workdir / "zeros.bin"
    with open(path, "wb") as file:
        for _ in range(size >> 16):
            file.write(bytes(1 << 16))
    return File(path, "application/octet-stream")
