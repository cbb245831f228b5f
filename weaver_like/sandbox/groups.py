"""Control groups of Linux: what all commands of one job may use together.

Version 1 has a tree for each controller, version 2 one tree for all. Groups are made beside (version 2) or below
(version 1) the one that this process is in. Where that is not allowed, only the worker's watch and the limits of
single processes apply.
Source: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the Linux kernel.
"""

import hashlib
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PERIOD_US = 100_000
#: The controllers whose limits are set.
_CONTROLLERS = ("pids", "memory", "cpu")
#: Longest wait for killed processes to leave their group.
_LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Limits of all commands of a job together; 0: none. processes: with threads.  cores: of processors, e.g. 1.5."""

    processes: int = 0
    memory_bytes: int = 0
    cores: float = 0


@dataclass(frozen=True)
class Group:
    """The control groups of one job. folders: one for each tree, to be joined by every command."""

    folders: tuple[str, ...]
    limits: GroupLimits

    def has(self, controller: str) -> bool:
        """Whether the kernel enforces this limit. controller: pids or memory."""
        return any(
            Path(folder, f"{controller}.max").exists() or Path(folder, f"{controller}.limit_in_bytes").exists()
            for folder in self.folders
        )

    def excess(self) -> str:
        """The limit that was met, in words; empty: none so far."""
        if self.met_processes():
            return too_many(self.limits.processes)
        if self.limits.memory_bytes and self._met_memory():
            return too_large(self.limits.memory_bytes)
        return ""

    def met_processes(self) -> bool:
        """Whether a command was refused one more process."""
        return bool(self.limits.processes and _count(self.folders, "pids.events", "max"))

    def _met_memory(self) -> bool:
        """Whether the kernel killed a command because the group was out of memory."""
        return any(_count(self.folders, name, "oom_kill") for name in ("memory.oom_control", "memory.events"))

    def remove(self) -> None:
        """End what is still in the groups, and remove them."""
        for folder in self.folders:
            _remove(folder)


def too_many(processes: int) -> str:
    return f"The commands of the job had more than {processes} processes and threads at once (sandbox.processes)."


def too_large(memory_bytes: int) -> str:
    return f"The commands of the job used more than {memory_bytes} bytes of memory (jobs.memory_limit_bytes)."


def make_group(workdir: Path, limits: GroupLimits) -> Group:
    """Groups for the job of a work folder; without folders where none can be made."""
    folders = []
    for place in _places():
        folder = os.path.join(place, group_name(workdir))
        try:
            os.makedirs(folder, exist_ok=True)
            _limit(folder, limits)
            folders.append(folder)
        except OSError:
            _remove(folder)
    return Group(tuple(folders), limits)


def remove_groups(workdir: Path) -> None:
    """Remove the groups of one work folder, whichever process made them."""
    for place in _places():
        _remove(os.path.join(place, group_name(workdir)))


def sweep_groups(work_dir: Path) -> None:
    """Remove the groups of all jobs with a work folder in this one; only if none of them runs."""
    for place in _places():
        for folder in Path(place).glob(f"{group_prefix(work_dir)}*"):
            _remove(str(folder))


def group_prefix(work_dir: Path) -> str:
    """A prefix that differs between the installations on a machine."""
    return f"weaver_like-{hashlib.sha256(str(work_dir.resolve()).encode()).hexdigest()[:12]}-"


def group_name(workdir: Path) -> str:
    """The name of the groups of one attempt at a job."""
    return group_prefix(workdir.parent) + workdir.name


def _limit(folder: str, limits: GroupLimits) -> None:
    """Set the limits of a group. Raises: OSError, if the kernel refuses one."""
    cores = int(limits.cores * _PERIOD_US)
    values = {
        "pids.max": limits.processes,
        "memory.limit_in_bytes": limits.memory_bytes,
        "memory.max": limits.memory_bytes,
        "cpu.cfs_quota_us": cores,
        "cpu.max": f"{cores} {_PERIOD_US}" if cores else 0,
    }
    for name, value in values.items():
        path = Path(folder, name)
        if value and path.exists():
            path.write_text(str(value))
    for name, value in {"memory.memsw.limit_in_bytes": limits.memory_bytes, "memory.swap.max": 0}.items():
        with suppress(OSError):  # kernels without an account of swap
            if limits.memory_bytes and Path(folder, name).exists():
                Path(folder, name).write_text(str(value))


@cache
def _places() -> tuple[str, ...]:
    """Folders in which groups can be made; looked up once."""
    own = _own()
    places = [_probed(_mounted(name), own[name]) for name in _CONTROLLERS if name in own]
    found = tuple(place for place in places if place)
    if found or "" not in own:
        return found
    return _unified_place(own[""])


def _unified_place(own: str) -> tuple[str, ...]:
    """For version 2: the place beside the group of this process, else below it."""
    root = _mounted("")
    if not root:
        return ()
    for path in (os.path.dirname(own.rstrip("/")) or "/", own):
        if _delegated(root + path):
            place = _probed(root, path)
            if place:
                return (place,)
    return ()


def _own() -> dict[str, str]:
    """Controller -> path of the group of this process; "" is the tree of version 2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        _, names, path = line.split(":", 2)
        found.update(dict.fromkeys(names.split(","), path))
    return found


def _mounted(controller: str) -> str:
    """Where the tree of a controller is mounted; empty: nowhere."""
    with suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            _, folder, kind, options, *_ = line.split()
            unified = kind == "cgroup2" and not controller
            if unified or (kind == "cgroup" and controller in options.split(",")):
                return folder
    return ""


def _delegated(folder: str) -> bool:
    """Whether groups below a group of version 2 have the necessary controllers, or can get them."""
    there = _text(folder, "cgroup.controllers").split()
    with suppress(OSError):
        wanted = [f"+{name}" for name in _CONTROLLERS if name in there]
        Path(folder, "cgroup.subtree_control").write_text(" ".join(wanted))
    return "pids" in _text(folder, "cgroup.subtree_control").split()


def _probed(root: str, own: str) -> str:
    """The folder of a group, if this process may make groups in it, and put processes there."""
    if not root:
        return ""
    for place in (root + own.rstrip("/"), root):  # in a container the path may be that of the machine outside
        probe = os.path.join(place, f"weaver_like-probe-{os.getpid()}")
        try:
            os.mkdir(probe)
            writable = os.access(os.path.join(probe, "cgroup.procs"), os.W_OK)
            os.rmdir(probe)
        except OSError:
            continue
        if writable:
            return place
    return ""


def _remove(folder: str) -> None:
    end = time.monotonic() + _LEAVE_S
    while os.path.isdir(folder) and time.monotonic() < end:
        try:
            os.rmdir(folder)
        except OSError:
            for pid in _text(folder, "cgroup.procs").split():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.002)  # a killed process leaves its group when it is reaped


def _count(folders: Sequence[str], name: str, key: str) -> int:
    for folder in folders:
        for line in _text(folder, name).splitlines():
            found, _, value = line.partition(" ")
            if found == key:
                return int(value)
    return 0


def _text(folder: str, name: str) -> str:
    try:
        return Path(folder, name).read_text()
    except OSError:
        return ""
