"""What a command left in its folder: only files, folders, and links among them; everything else goes, before anybody reads it."""

import os
import stat
from collections.abc import Callable, Sequence

from cwltool.errors import WorkflowException

#: So many removals are told one by one.
_TOLD = 20


def clear_leavings(folder: str, readable: Sequence[str], say: Callable[[str], None]) -> None:
    """Remove links that lead out of the folders of the job, and what is neither file nor folder: reading it could wait for ever.

    A later command may be given this folder, and then a link would lead where the server may read, and the command may not. Raises: WorkflowException.
    """
    inside, real = tuple(os.path.realpath(one) + os.sep for one in readable), os.path.realpath(folder)
    if not real.startswith(inside):
        raise WorkflowException(
            "The output folder was replaced by a link that leads out of the work folder of the job."
        )
    removed = 0
    for path, reason in _strangers(real, inside):
        os.unlink(path)
        removed += 1
        if removed <= _TOLD:
            say(f"'{os.path.relpath(path, real)}' {reason}; it was removed.")
    if removed > _TOLD:
        say(f"{removed - _TOLD} more such were removed.")


def _strangers(folder: str, inside: tuple[str, ...]) -> list[tuple[str, str]]:
    found, folders = [], [folder]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # its rights were taken away: nobody can read it
            continue
        for entry in entries:
            if entry.is_symlink():
                if not (os.path.realpath(entry.path) + os.sep).startswith(inside):
                    found.append(
                        (
                            entry.path,
                            f"is a link to '{os.readlink(entry.path)}', which leads out of the work folder of the job",
                        )
                    )
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                found.append((entry.path, "is neither a file nor a folder"))
    return found
