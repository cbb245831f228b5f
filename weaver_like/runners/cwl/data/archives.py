"""ZIP and tar archives -> folders."""

import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path

from cwltool.errors import WorkflowException

#: What archives raise that are broken, encrypted, packed in an unknown way, or have folders without end in each other.
_FAULTS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def unpack(archive: Path, target: Path) -> None:
    """A ZIP or tar archive -> a folder. Raises: WorkflowException, also for members that lead out of the folder."""
    target.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, target)
        else:
            with tarfile.open(archive) as opened:
                opened.extractall(target, filter="data")
    except _FAULTS as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise WorkflowException(
            f"The archive '{archive.name}' cannot be unpacked: {reason}; expected a ZIP or tar archive."
        ) from error


def _unzip(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                raise WorkflowException(
                    f"The archive '{archive.name}' has a member '{name[:200]}' that leads out of its folder."
                )
            opened.extract(name, target)
