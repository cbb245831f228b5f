"""What the operating system says about the processes of a served instance."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.support.client import Served, status_of
from tests.support.waiting import wait_until

#: Name of a job's folder: its id and the number of the attempt.
_ATTEMPT = re.compile(r"[0-9a-f-]{36}-\d+( \(deleted\))?")


@dataclass(frozen=True)
class Seen:
    """A process of the operating system: its start time tells it from a later one with the same id."""

    pid: int
    parent: int
    start: str
    name: str
    command: str

    @property
    def alive(self) -> bool:
        found = look(self.pid)
        return found is not None and found.start == self.start

    @property
    def is_worker(self) -> bool:
        return self.name.startswith("wl-worker") or "weaver_like.worker.celery" in self.command

    @property
    def is_zygote(self) -> bool:
        parent = look(self.parent)
        return _is_named_zygote(self) and parent is not None and not _is_named_zygote(parent)

    @property
    def worker(self) -> "Seen":
        """Of a zygote, or of the child of a job: the worker that it works for."""
        zygote = self if self.is_zygote else look(self.parent)
        nursery = look(zygote.parent)
        while (above := look(nursery.parent)).name == "wl-nursery":  # that one was a branch
            nursery = above
        number = zygote.name.removeprefix("wl-zygote")
        return next((seen for seen in family_of(nursery.pid) if seen.name == f"wl-worker{number}"), above)

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


def _is_named_zygote(seen: Seen) -> bool:
    return seen.name.startswith("wl-zygote")


def look(pid: int) -> Seen | None:
    """None if there is no such process, or only its zombie."""
    try:
        names, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        fields, name = rest.split(), names.partition("(")[2]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return None
    return None if fields[0] in "ZX" else Seen(pid, int(fields[1]), fields[19], name, command)


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


def begin(served: Served, process: str, **inputs: object) -> str:
    """Submit a job and wait until it runs."""
    job_id = served.submit(process, inputs)
    wait_until(lambda: status_of(served, job_id)["status"] == "running" and jobs_of(served), 10, "the start of the job")
    return job_id
