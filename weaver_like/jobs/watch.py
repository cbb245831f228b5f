"""`Watch`: enforces the limits of a running job as a whole, at growing intervals."""

import time
from pathlib import Path

from weaver_like.observe.folders import FolderMeter
from weaver_like.observe.statistics import TreeMeter
from weaver_like.runners.base import ChildRunner
from weaver_like.sandbox.groups import Group, GroupLimits, make_group, too_large, too_many
from weaver_like.settings import Settings

#: Threads and processes that start commands, such as the client of a container engine.
_STARTERS = 100


class Watch:
    """Watches one job; `close` it at the end.

    group: control groups for its commands; without folders if it starts no commands, or no group can be made.
    """

    def __init__(self, settings: Settings, runner: ChildRunner, workdir: Path, memory_bytes: int):
        self._settings = settings
        self._commands = runner.starts_commands
        sandbox = settings.sandbox
        limits = GroupLimits(sandbox.processes, memory_bytes, sandbox.cores)
        self.group = make_group(workdir, limits) if self._commands else Group((), limits)
        self._tree = TreeMeter()
        self._folder = FolderMeter(str(workdir))

    @property
    def task_limit(self) -> int:
        """Tasks that the kernel lets the user start in addition, where no group counts them; 0: no limit."""
        counted = not self._commands or not self.group.limits.processes or self.group.has("pids")
        return 0 if counted else 2 * self.group.limits.processes + _STARTERS

    @property
    def due(self) -> float:
        """`time.monotonic()` at which `look` is wanted."""
        return min(self._tree.due, self._folder.due)

    @property
    def peak_bytes(self) -> int:
        return self._tree.peak_bytes

    def look(self, pid: int) -> str:
        """Look at the tree of the child `pid`; why the job must end, empty if it may go on."""
        now, reason = time.monotonic(), ""
        if now >= self._tree.due:
            self._tree.sample(pid)
            reason = self._commands_excess() if self._commands else ""
        if now >= self._folder.due and not reason:
            self._folder.sample()
            reason = self._folder_excess()
        return reason

    def close(self) -> None:
        """End what the commands left, and remove the groups."""
        self.group.remove()

    def _commands_excess(self) -> str:
        limits = self.group.limits
        # A memory limit that the kernel enforces needs no look: the command that meets it fails, and its step says why.
        if limits.processes and (self._tree.count > limits.processes or self.group.met_processes()):
            return too_many(limits.processes)
        if limits.memory_bytes and not self.group.has("memory") and self._tree.now_bytes > limits.memory_bytes:
            return too_large(limits.memory_bytes)
        return ""

    def _folder_excess(self) -> str:
        limits, found = self._settings.limits, self._folder
        if limits.work_bytes and found.size_bytes > limits.work_bytes:
            return f"The job has written more than {limits.work_bytes} bytes into its work folder (limits.work_bytes)."
        if limits.work_files and found.entries > limits.work_files:
            most = limits.work_files
            return f"The job has made more than {most} files and folders in its work folder (limits.work_files)."
        return ""
