"""Outputs of successful steps, kept for jobs that run the same steps again."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_ENTRY, _OUTPUTS = "entry.json", "outputs"
_NEW, _GONE = ".new-", ".gone-"
#: Seconds after which the remains of a writer or sweeper that died are removed.
_LEFT_S = 86400.0


class StepCache:
    """A folder with an entry for each key; an entry is there as a whole, or not at all, and is never changed.

    Any number of OS processes may use the same folder.

    most_bytes: size of all entries together; the least recently used are removed first.
    """

    def __init__(self, folder: Path, most_bytes: int):
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, key: str, target: Path) -> int | None:
        """Copy the outputs into an empty folder; the exit code of the command, or None if there is no such entry."""
        entry = self._folder / key
        try:
            code: int = json.loads((entry / _ENTRY).read_text())["code"]
            os.utime(entry)
            shutil.copytree(entry / _OUTPUTS, target, dirs_exist_ok=True)
        except (OSError, ValueError, shutil.Error):  # none, or swept meanwhile
            return None
        return code

    def put(self, key: str, source: Path, code: int, check: Callable[[str], object]) -> None:
        """Keep a copy of a folder; links become the files that they lead to.

        check: raises for a path that leads where nothing may be copied from.
        Raises: OSError; what `check` raises.
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
            if not (self._folder / key).exists():  # else another process was first
                raise
        self.sweep(0)

    def sweep(self, keep_days: float) -> int:
        """Remove old entries, and those for which there is no room; how many were removed.

        keep_days: entries that were not used for so many days are old; 0: no entry is.
        """
        now = time.time()
        total_bytes = removed = 0
        for used, size_bytes, path in sorted(self._entries(now), reverse=True):
            total_bytes += size_bytes
            old = keep_days and now - used > keep_days * 86400
            if old or total_bytes > self._most_bytes:
                removed += _remove(path)
        return removed

    def _entries(self, now: float) -> Iterator[tuple[float, int, Path]]:
        """Yield time of the last use, size in bytes and folder of each entry; remove what dead processes left."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            try:
                used = path.stat().st_mtime
                if path.name.startswith((_NEW, _GONE)):
                    if now - used > _LEFT_S:
                        shutil.rmtree(path, ignore_errors=True)
                    continue
                yield used, json.loads((path / _ENTRY).read_text())["bytes"], path
            except (OSError, ValueError):
                continue


def _measure(source: Path, check: Callable[[str], object]) -> int:
    """Bytes of all files below a folder, after a check of where links lead. Raises: OSError; what `check` raises."""
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
                    raise OSError(f"'{name}' is not a regular file")
                total_bytes += os.path.getsize(path)
    return total_bytes


def _remove(entry: Path) -> bool:
    """Remove an entry, first out of sight, so that nobody finds half of it; False if it has gone."""
    gone = entry.with_name(f"{_GONE}{os.urandom(8).hex()}")
    try:
        os.rename(entry, gone)
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
