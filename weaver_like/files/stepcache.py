"""Outputs of steps that were successful, kept for those who run the same steps again."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_ENTRY, _OUTPUTS = "entry.json", "outputs"
_NEW, _GONE = ".new-", ".gone-"
#: What a writer or a sweeper left that died at it.
_LEFT_S = 86400.0


class StepCache:
    """A folder with an entry for each key; an entry is there as a whole, or not at all, and is never changed.

    Any number of OS processes may use the same folder. most_bytes: of all entries together; what was not used longest goes first.
    """

    def __init__(self, folder: Path, most_bytes: int):
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, key: str, target: Path) -> int | None:
        """Copy the outputs into an empty folder; the exit code of the command, None if they are not there."""
        entry = self._folder / key
        try:
            code = json.loads((entry / _ENTRY).read_text())["code"]
            os.utime(entry)
            shutil.copytree(entry / _OUTPUTS, target, dirs_exist_ok=True)
        except (OSError, ValueError, shutil.Error):  # not there, or swept meanwhile
            return None
        return code

    def put(self, key: str, source: Path, code: int, check: Callable[[str], object]) -> None:
        """Keep a copy of a folder; links become what they lead to.

        check: raises for a path that leads where nothing may be copied from.
        Raises: OSError, what `check` raises.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self._folder / key).exists():
            return
        size_bytes = _measure(source, check)
        if size_bytes > self._most_bytes:
            return
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._folder))
        try:
            shutil.copytree(source, new / _OUTPUTS)
            (new / _ENTRY).write_text(json.dumps({"code": code, "bytes": size_bytes}))
            os.rename(new, self._folder / key)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            if not (self._folder / key).exists():  # else another one was first
                raise
        self.sweep(0)

    def sweep(self, keep_days: float) -> int:
        """Remove entries that were not used for so many days (0: whatever their age), and then those that are too many; how many there were."""
        now = time.time()
        entries = []
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            try:
                used = path.stat().st_mtime
                if path.name.startswith((_NEW, _GONE)):
                    if now - used > _LEFT_S:
                        shutil.rmtree(path, ignore_errors=True)
                else:
                    entries.append((used, json.loads((path / _ENTRY).read_text())["bytes"], path))
            except (OSError, ValueError):
                continue
        entries.sort(reverse=True)
        total_bytes = removed = 0
        for used, size_bytes, path in entries:
            total_bytes += size_bytes
            if total_bytes > self._most_bytes or (keep_days and now - used > keep_days * 86400):
                removed += _remove(path)
        return removed


def _measure(source: Path, check: Callable[[str], object]) -> int:
    """Bytes of all files below a folder, after a look where each of them really is."""
    total_bytes = 0
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if os.path.islink(path):
                check(path)
                if os.path.isdir(path):
                    raise OSError(f"'{name}' is a link to a folder")
            if name in files:
                if not os.path.isfile(path):
                    raise OSError(f"'{name}' is no plain file")
                total_bytes += os.path.getsize(path)
    return total_bytes


def _remove(entry: Path) -> bool:
    """First out of sight, so that nobody finds half of it."""
    gone = entry.with_name(f"{_GONE}{os.urandom(8).hex()}")
    try:
        os.rename(entry, gone)
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
