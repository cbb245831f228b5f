"""The output area in a folder: of this machine, or shared by several."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from weaver_like.domain.results import StoredFile
from weaver_like.files.area import CHUNK_BYTES, OutputArea, Published, check_reference, no_such_file, not_kept, places

_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Bytes; a disk with less is called full.
_LEAST_FREE = 2**20


class FolderArea(OutputArea):
    """folder: where results live, as <job id>/<output id>/<file name>."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()

    def publish(self, job_id: str, output: str, path: Path, proceed: Callable[[], None]) -> Published:
        try:
            reference = next(place for place in places(job_id, output, path) if not self._place(place).exists())
            target = self._place(reference)
            target.parent.mkdir(parents=True, exist_ok=True)
            _take(path, target, proceed)
            return Published(reference, target.stat().st_size)
        except OSError as error:
            reason = "no space left" if error.errno in _FULL else os.strerror(error.errno or 0)
            raise not_kept(output, path, reason) from error

    def get(self, reference: str) -> StoredFile:
        check_reference(reference)
        try:
            path = self._place(reference).resolve()
            status = path.stat()
        except (OSError, RuntimeError) as error:  # it has gone, a name that is too long, links in a circle
            raise no_such_file(reference) from error
        if not path.is_relative_to(self.folder) or not stat.S_ISREG(status.st_mode):
            raise no_such_file(reference)
        return StoredFile(
            name=path.name,
            size_bytes=status.st_size,
            etag=f'"{status.st_size:x}-{status.st_mtime_ns:x}"',
            modified=datetime.fromtimestamp(status.st_mtime, UTC),
            read=lambda first, length: _read(path, first, length),
        )

    def bring(self, reference: str, target: Path, proceed: Callable[[], None]) -> StoredFile:
        stored = self.get(reference)
        try:
            os.link(self._place(reference).resolve(), target)
        except OSError:  # another file system, or one without links
            return super().bring(reference, target, proceed)
        target.chmod(0o444)
        return stored

    def trouble(self) -> str | None:
        if not os.access(self.folder, os.W_OK | os.X_OK):
            return "the folder is missing or not writable"
        if shutil.disk_usage(self.folder).free <= _LEAST_FREE:
            return "the disk is full"
        return None

    def discard(self, reference: str) -> None:
        self._place(reference).unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def _place(self, reference: str) -> Path:
        return self.folder / reference.lstrip("/")


def _take(path: Path, target: Path, proceed: Callable[[], None]) -> None:
    try:
        os.link(path, target)  # not moved: the same file may be given for two outputs
    except OSError:  # another file system, or one without links
        _copy(path, target, proceed)
    target.chmod(0o644)


def _copy(path: Path, target: Path, proceed: Callable[[], None]) -> None:
    """Copy under a name that nobody can guess, and rename: other machines look into this folder too."""
    partial = target.with_name(f".{secrets.token_hex(16)}.part")
    try:
        with path.open("rb") as source, partial.open("xb") as copy:
            while chunk := source.read(CHUNK_BYTES):
                proceed()
                copy.write(chunk)
        partial.rename(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _read(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0:
            chunk = file.read(min(CHUNK_BYTES, length))
            if not chunk:
                return
            length -= len(chunk)
            yield chunk
