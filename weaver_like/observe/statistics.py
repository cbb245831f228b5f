"""What a job used: CPU, memory, bytes."""

import time
from typing import Any

import psutil

#: The first look comes late enough to cost short jobs nothing; the kernel reports on those.
_FIRST_S, _LONGEST_S = 0.3, 2.0


class TreeMeter:
    """Measures the memory of a process and all its descendants, and counts them, at growing intervals."""

    def __init__(self) -> None:
        self._interval_s = _FIRST_S
        self.due = time.monotonic() + _FIRST_S
        self.peak_bytes = 0
        self.now_bytes = 0
        self.count = 0

    def sample(self, pid: int) -> None:
        """Look once at the tree of `pid`, and set when the next look is due."""
        self._interval_s = min(self._interval_s * 1.5, _LONGEST_S)
        self.due = time.monotonic() + self._interval_s
        total, self.count = 0, 0
        try:
            leader = psutil.Process(pid)
            for process in [leader, *leader.children(recursive=True)]:
                try:
                    self.count += 1
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
        except psutil.Error:
            return
        self.now_bytes, self.peak_bytes = total, max(self.peak_bytes, total)


def collect_statistics(
    *,
    queued_s: float,
    wall_s: float,
    cpu_s: float,
    peak_bytes: int,
    bytes_in: dict[str, int],
    bytes_out: dict[str, int],
) -> dict[str, Any]:
    """The statistics document of a job: seconds and bytes; peak memory is that of the child's whole tree."""
    return {
        "queuedSeconds": round(queued_s, 6),
        "wallSeconds": round(wall_s, 6),
        "cpuSeconds": round(cpu_s, 6),
        "peakMemoryBytes": peak_bytes,
        "bytesIn": bytes_in,
        "bytesOut": bytes_out,
        "bytesInTotal": sum(bytes_in.values()),
        "bytesOutTotal": sum(bytes_out.values()),
    }
