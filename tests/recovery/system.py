"""What the operating system says about the processes of a served instance, and plugins that the faults need."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Served, wait_until

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

#: Name of a job's folder: its id and the number of the attempt.
_ATTEMPT = re.compile(r"[0-9a-f-]{36}-\d+( \(deleted\))?")


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


@dataclass(frozen=True)
class Seen:
    """A process of the operating system: its start time tells it from a later one with the same id."""

    pid: int
    parent: int
    start: str
    command: str

    @property
    def alive(self) -> bool:
        found = look(self.pid)
        return found is not None and found.start == self.start

    @property
    def is_worker(self) -> bool:
        return "weaver_like.worker" in self.command

    @property
    def is_zygote(self) -> bool:
        parent = look(self.parent)
        return "sandbox.zygote" in self.command and parent is not None and "sandbox.zygote" not in parent.command

    @property
    def job_id(self) -> str | None:
        """The job that it is the child of: it works in the job's folder. The child that stands by has no job yet."""
        try:
            folder = os.path.basename(os.readlink(f"/proc/{self.pid}/cwd"))
        except OSError:
            return None
        parent = look(self.parent)
        return folder[:36] if _ATTEMPT.fullmatch(folder) and parent is not None and parent.is_zygote else None

    @property
    def is_job(self) -> bool:
        return self.job_id is not None


def look(pid: int) -> Seen | None:
    """None if there is no such process, or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return None
    return None if fields[0] in "ZX" else Seen(pid, int(fields[1]), fields[19], command)


def family_of(pid: int) -> list[Seen]:
    """A process and all its descendants, parents first."""
    everybody = [seen for name in os.listdir("/proc") if name.isdigit() and (seen := look(int(name)))]
    found = [seen for seen in everybody if seen.pid == pid]
    for member in found:  # grows while it is walked
        found += [seen for seen in everybody if seen.parent == member.pid]
    return found


def jobs_of(served: Served) -> list[Seen]:
    return [seen for seen in family_of(served.process.pid) if seen.is_job]


def workers_of(served: Served) -> list[Seen]:
    return [seen for seen in family_of(served.process.pid) if seen.is_worker]


def zygotes_of(served: Served) -> list[Seen]:
    return [seen for seen in family_of(served.process.pid) if seen.is_zygote]


def kill(*victims: Seen) -> None:
    for victim in victims:
        if victim.alive:
            os.kill(victim.pid, signal.SIGKILL)


def gone(seen: list[Seen], limit_s: float = 10) -> None:
    """Wait until none of them lives."""
    try:
        wait_until(lambda: not any(one.alive for one in seen), limit_s, "the end of the processes")
    except AssertionError:
        left = [one for one in seen if one.alive]
        kill(*left)
        raise AssertionError(f"still there: {left}") from None


def status_of(served: Served, job_id: str) -> dict:
    return served.get(f"/jobs/{job_id}")[1]


def end_of(served: Served, job_id: str, limit_s: float = 20) -> dict:
    """Wait until a job has ended; its status document."""

    def ended() -> dict | None:
        found = status_of(served, job_id)
        return found if found["status"] in ("successful", "failed", "dismissed") else None

    return wait_until(ended, limit_s, f"the end of {job_id}")


def all_ended(served: Served, limit_s: float = 60) -> dict[str, dict]:
    """Wait until every job has ended; all of them by id."""

    def ended() -> dict[str, dict] | None:
        found = all_jobs(served)
        return None if any(job["status"] in ("accepted", "running") for job in found.values()) else found

    return wait_until(ended, limit_s, "the end of all jobs")


def begin(served: Served, process: str, **inputs: object) -> str:
    """Submit a job and wait until it runs."""
    job_id = served.submit(process, inputs)
    wait_until(lambda: status_of(served, job_id)["status"] == "running" and jobs_of(served), 10, "the start of the job")
    return job_id


def log_of(served: Served, job_id: str) -> list[str]:
    return [entry["message"] for entry in served.get(f"/jobs/{job_id}/logs?limit=10000")[1]["logs"]]


def all_jobs(served: Served) -> dict[str, dict]:
    return {job["jobID"]: job for job in served.get("/jobs?limit=10000")[1]["jobs"]}
