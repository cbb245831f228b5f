"""What a folder holds: bytes on disk and entries, counted a little at a time."""

import os
import stat
import time
from collections.abc import Iterator

_FIRST_S, _LONGEST_S = 0.5, 10.0
#: Longest slice of a count, so that the caller is not blocked.
_SLICE_S = 0.05
#: Counting takes at most this fraction of the time: 1 / _SHARE.
_SHARE = 20


class FolderMeter:
    """Counts a folder repeatedly, at growing intervals; large folders less often.

    due: `time.monotonic()` at which `sample` should be called.
    """

    def __init__(self, folder: str):
        self._folder = folder
        self._interval_s = _FIRST_S
        self._walk: Iterator[int] | None = None
        self._took_s = 0.0
        self.due = time.monotonic() + _FIRST_S
        self.size_bytes = 0
        self.entries = 0

    def sample(self) -> None:
        """Continue the count for a moment.

        The attributes hold the last whole count, or the current one so far, whichever is more.
        """
        if self._walk is None:
            self._walk, self._took_s = self._sizes(), 0.0
            self._size_bytes, self._entries = 0, 0
        began = time.monotonic()
        for size in self._walk:
            self._size_bytes += size
            self._entries += 1
            if time.monotonic() - began > _SLICE_S:
                break
        else:
            self._walk = None
        self._took_s += time.monotonic() - began
        if self._walk is None:
            self.size_bytes, self.entries = self._size_bytes, self._entries
            self._interval_s = min(self._interval_s * 1.5, _LONGEST_S)
            self.due = time.monotonic() + max(self._interval_s, _SHARE * self._took_s)
        else:
            self.size_bytes, self.entries = max(self.size_bytes, self._size_bytes), max(self.entries, self._entries)
            self.due = time.monotonic() + _SLICE_S

    def _sizes(self) -> Iterator[int]:
        """Yield the size of every entry; that of a file with several names once.

        Links are not followed, and entries that vanish meanwhile do not count.
        """
        folders = [self._folder]
        counted: set[int] = set()
        while folders:
            try:
                entries = os.scandir(folders.pop())
            except OSError:
                continue
            with entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        yield _size(entry, counted)
                    except OSError:
                        continue


def _size(entry: "os.DirEntry[str]", counted: set[int]) -> int:
    """Bytes on disk; 0 for one more name of a file whose number is in `counted`. Raises: OSError."""
    status = entry.stat(follow_symlinks=False)
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
        if status.st_ino in counted:
            return 0
        counted.add(status.st_ino)
    return status.st_blocks * 512
