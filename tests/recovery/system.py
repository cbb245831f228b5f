"""What the operating system says about the processes of a served instance, and plugins that the faults need."""

from dataclasses import dataclass
from pathlib import Path

#: `note` leaves one line for every attempt that came to its end, with the time; grandchildren of three kinds, which say who they are.
PLUGIN = '''
import os, signal, subprocess, sys, time
from pathlib import Path
from weaver_like.authoring import Context, File, process

@process(id="note")
def note(context: Context, delay: float = 0.02) -> str:
    time.sleep(delay)
    with open({notes!r}, "a") as file:
        file.write(f"{context.workdir.name} {time.time()}\\n")
    return "noted"

def _write(name: str, pid: int) -> None:
    Path({folder!r}, name).write_text(str(pid))

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
    while len(os.listdir({folder!r})) < 4:
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
'''


def write_plugin(folder: Path) -> None:
    """Put the plugin into the data folder of a server that has not started yet."""
    for name in ("plugins", "family"):
        (folder / name).mkdir(parents=True)
    text = PLUGIN.replace("{notes!r}", repr(str(folder / "notes.txt"))).replace(
        "{folder!r}", repr(str(folder / "family"))
    )
    (folder / "plugins" / "faults.py").write_text(text)


@dataclass(frozen=True)
class Note:
    """An attempt that came to its end. at: seconds since 1970."""

    job_id: str
    attempt: int
    at: float


def notes_of(folder: Path) -> list[Note]:
    """What `note` left, oldest first."""
    path = folder / "notes.txt"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [Note(name[:36], int(name[37:]), float(at)) for name, at in lines]
