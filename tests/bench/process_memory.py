"""Memory of processes, as the kernel counts it."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil


def tree(pid: int) -> list[int]:
    """Ids of a process and of all its descendants."""
    leader = psutil.Process(pid)
    return [pid, *(process.pid for process in leader.children(recursive=True))]


def pss_bytes(pid: int) -> int:
    """Proportional set size: shared pages are divided among those that share them.

    Raises: OSError, without the right to look.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no Pss")


def resident_bytes(pid: int) -> tuple[int, int]:
    """Resident set size of a process: now, and its highest so far. Raises: OSError, KeyError if it has ended."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024


@dataclass(slots=True)
class _Seen:
    """Resident set and highest mark of one process at the first look, and the highest of both since."""

    first: int
    first_mark: int
    highest: int = 0
    mark: int = 0

    def growth(self) -> int:
        """The kernel's mark counts only if it rose: it may be from long before."""
        return max(self.highest, self.mark if self.mark > self.first_mark else 0) - self.first


@dataclass
class GrowthWatch:
    """Watches the tree of a process from a thread: how much the resident set of each process grew at the most.

    It reads the kernel's own highest mark, so that a peak between two looks is not missed.
    """

    pid: int
    interval_s: float = 0.02
    seen: dict[int, _Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "GrowthWatch":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def growth_bytes(self) -> int:
        return max(one.growth() for one in self.seen.values())

    def _run(self) -> None:
        while not self._stop.wait(self.interval_s):
            self._look()

    def _look(self) -> None:
        for pid in tree(self.pid):
            try:
                now, mark = resident_bytes(pid)
            except (OSError, KeyError):
                continue
            one = self.seen.setdefault(pid, _Seen(now, mark))
            one.highest, one.mark = max(one.highest, now), mark
