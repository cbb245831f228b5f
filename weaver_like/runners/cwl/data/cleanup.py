"""What a command left in its folder: only files, folders, and links among them stay, before anybody reads it."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from cwltool.errors import WorkflowException

#: So many removals are told one by one.
_MOST_TOLD = 20


def clean_up(folder: str, readable: Sequence[str], say: Callable[[str], None]) -> None:
    """Remove links that lead out of the folders of the job, and what is neither file nor folder.

    Reading the latter could wait for ever. A later command may be given this folder, and then a link would lead where
    the server may read, and the command may not.

    Args:
        readable: the folders of the job.
        say: gets a line for each removal.
    Raises: WorkflowException.
    """
    inside = tuple(os.path.realpath(one) + os.sep for one in readable)
    real = os.path.realpath(folder)
    if not real.startswith(inside):
        raise WorkflowException(
            "The output folder was replaced by a link that leads out of the work folder of the job."
        )
    removed = 0
    for path, reason in list(_intruders(real, inside)):
        os.unlink(path)
        removed += 1
        if removed <= _MOST_TOLD:
            say(f"'{os.path.relpath(path, real)}' {reason}; it was removed.")
    if removed > _MOST_TOLD:
        say(f"{removed - _MOST_TOLD} more of these were removed.")


def _intruders(folder: str, inside: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Paths of what may not stay, and what is wrong with each."""
    folders = [folder]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # its rights were taken away: nobody can read it
            continue
        for entry in entries:
            if entry.is_symlink():
                if not (os.path.realpath(entry.path) + os.sep).startswith(inside):
                    target = os.readlink(entry.path)
                    yield entry.path, f"is a link to '{target}', which leads out of the work folder of the job"
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                yield entry.path, "is neither a file nor a folder"
