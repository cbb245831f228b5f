"""The output area: results in files, and the pseudo-relative references to them."""
import os
import shutil
from pathlib import Path

from weaver_like.domain.errors import NotFound, RunFailed
from weaver_like.domain.ids import safe_file_name


class OutputArea:
    """folder: where results live.  A reference is "/<job id>/<output id>/<file name>": settings may change between restarts,
    and only this form survives (docs/results.rst)."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()

    def publish(self, job_id: str, output: str, path: Path, workdir: Path) -> tuple[str, int]:
        """Take a file of the work folder into the area, without copying where that is possible; its reference and size in bytes.

        Raises: RunFailed, if it is no regular file inside the work folder: a link may not lead out of it.
        """
        source = path if path.is_absolute() else workdir / path
        resolved = source.resolve()
        if not resolved.is_relative_to(workdir.resolve()) or not resolved.is_file():
            raise RunFailed(f"Output '{output}' is not a file in the work folder of the job: '{path.name}'.")
        target = self._free_place(self.folder / job_id / safe_file_name(output, "output"), safe_file_name(path.name))
        try:
            os.link(resolved, target)  # not moved: the same file may be given for two outputs
        except OSError:  # another file system
            shutil.copyfile(resolved, target)
        target.chmod(0o644)
        return "/" + target.relative_to(self.folder).as_posix(), target.stat().st_size

    def _free_place(self, folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        target, number = folder / name, 1
        while target.exists():
            number += 1
            target = folder / f"{number}-{name}"
        return target

    def path_of(self, reference: str) -> Path:
        """The file behind a reference. Raises: NotFound, also for references that lead out of the area."""
        try:
            resolved = (self.folder / reference.lstrip("/")).resolve()
        except (OSError, RuntimeError, ValueError):  # a name that is too long, NUL, links in a circle
            resolved = self.folder
        if not resolved.is_relative_to(self.folder) or not _is_file(resolved):
            raise NotFound(f"There is no result file '{reference[:200]}'.")
        return resolved

    def discard(self, reference: str) -> None:
        """Remove one file; nothing happens if it has gone."""
        (self.folder / reference.lstrip("/")).unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        """Remove every file of a job."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False
