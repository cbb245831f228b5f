"""Real files and folders at another place: linked where nobody can write through the link, else copied."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: Another file system, or a file of somebody else; or it has too many names.
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP)
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def link(source: str, target: str) -> None:
    """One more name for a file. Whoever can write to the one changes the other."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        copy_to_read(source, target)


def copy_to_read(source: str, target: str) -> None:
    shutil.copy2(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(target).st_mode) & ~_WRITE)


def copy_to_write(source: str, target: str) -> None:
    shutil.copy(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IRUSR | stat.S_IWUSR)


@dataclass(frozen=True, slots=True)
class _Folder:
    """One that is to be put. top: links stay links that lead below it.  around: real paths of those it was found in."""

    path: str
    target: str
    top: str
    around: tuple[str, ...]

    def inner(self, entry: "os.DirEntry[str]", target: str, check: Callable[[str], object]) -> "_Folder":
        """A folder in this one, or one that a link in it leads to."""
        path = _original(entry, check)
        if entry.is_symlink():
            return _Folder(path, target, path, (*self.around, path))
        return _Folder(path, target, self.top, self.around)


def put_tree(source: str, target: str, put: Callable[[str, str], None], check: Callable[[str], object]) -> None:
    """Put a folder, with all that is below it, at a place where there is none, or an empty one.

    A link stays one if it leads to something in the same folder, to nothing, or to a folder that it is in itself;
    else it becomes what it leads to. What is neither file, folder nor link is left out.

    Args:
        put: makes one file of another.
        check: raises for a path that leads where nothing may be taken from.
    Raises: OSError; what `check` raises.
    """
    top = os.path.realpath(source)
    folders = [_Folder(top, target, top, (top,))]
    while folders:
        folder = folders.pop()
        os.makedirs(folder.target, exist_ok=True)
        for entry in _entries(folder.path):
            place = os.path.join(folder.target, entry.name)
            if _stays_link(entry, folder):
                os.symlink(os.readlink(entry.path), place)
            elif entry.is_dir():
                folders.append(folder.inner(entry, place, check))
            elif entry.is_file():
                put(_original(entry, check), place)


def leads_out(folder: str) -> bool:
    """Whether a link below a folder leads to something that is not in it."""
    folders = [folder]
    while folders:
        try:
            entries = list(_entries(folders.pop()))
        except OSError:  # its rights were taken away
            continue
        for entry in entries:
            if entry.is_symlink():
                if not _is_below(entry.path, folder):
                    return True
            elif entry.is_dir():
                folders.append(entry.path)
    return False


def _entries(folder: str) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        yield from entries


def _original(entry: "os.DirEntry[str]", check: Callable[[str], object]) -> str:
    if not entry.is_symlink():
        return entry.path
    check(entry.path)
    return os.path.realpath(entry.path)


def _stays_link(entry: "os.DirEntry[str]", folder: _Folder) -> bool:
    if not entry.is_symlink():
        return False
    if _is_below(entry.path, folder.top) or not os.path.exists(entry.path):
        return True
    real = os.path.realpath(entry.path) + os.sep
    return any((other + os.sep).startswith(real) for other in (folder.path, *folder.around))


def _is_below(link_path: str, top: str) -> bool:
    """Whether a link leads below a folder, wherever that folder is."""
    text = os.readlink(link_path)
    if os.path.isabs(text):
        return False
    return (os.path.normpath(os.path.join(os.path.dirname(link_path), text)) + os.sep).startswith(top + os.sep)
