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
    """Proportional set size: shared pages are divided among those that share them. Raises: OSError, without the right to look."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no Pss")


def resident_bytes(pid: int) -> tuple[int, int]:
    """Resident set size of a process: now, and its highest so far. Raises: OSError, KeyError if it has ended."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024


@dataclass
class GrowthWatch:
    """Watches the tree of a process from a thread: how much the resident set of each process grew at the most.

    The highest mark is the kernel's own, so that no peak between two looks is missed but the last of a process that ended.
    """

    pid: int
    interval_s: float = 0.02
    first: dict[int, int] = field(default_factory=dict)
    highest: dict[int, int] = field(default_factory=dict)

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
        return max(self.highest[pid] - self.first[pid] for pid in self.first)

    def _run(self) -> None:
        while not self._stop.wait(self.interval_s):
            self._look()

    def _look(self) -> None:
        for pid in tree(self.pid):
            try:
                now, highest = resident_bytes(pid)
            except (OSError, KeyError):
                continue
            # The mark of a process that was there before may be from long ago; what counts is the mark's own growth, too.
            self.first.setdefault(pid, now)
            self.highest[pid] = max(self.highest.get(pid, 0), highest)
