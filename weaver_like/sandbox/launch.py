"""Starts a foreign command, confined, with the limits of its job."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from weaver_like.sandbox import kernel
from weaver_like.sandbox.bubblewrap import bubblewrap_options, bubblewrap_path
from weaver_like.sandbox.commands import BUBBLEWRAP, Command, Confinement

#: Users that commands can run as, best first: an unprivileged one that can make no namespaces; the same with an older
#: bubblewrap; the server's own user.
_USERS = (
    ("--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
    ("--unshare-user", "--uid", "1000", "--gid", "1000"),
    ("--unshare-user-try",),
)
_PROBE_S = 10
#: Joins the groups of its first arguments, and becomes the command after "--"; removes the shell's own variables from
#: the environment.
_JOIN = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; '
    'shift; unset PWD OLDPWD SHLVL _; exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Launch:
    """What `subprocess.Popen` is to start, and the descriptors that it passes on.

    told: pipe from which the id of the sandbox's process 1 can be read (JSON, `child-pid`); -1: none.
    """

    argv: list[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()
    told: int = -1


@contextmanager
def launching(command: Command, confinement: Confinement, groups: Sequence[str] = ()) -> Iterator[Launch]:
    """How to start a command as the confinement says. groups: folders of control groups that it joins first.

    bubblewrap itself is visible inside as process 1: it gets no environment, and gets its arguments through a file, so
    that they appear in no list of processes.
    """
    if confinement.kind != BUBBLEWRAP:
        yield Launch(_joining(groups, command.argv), command.environment)
        return
    options, (told, telling) = os.memfd_create("options"), os.pipe()
    try:
        os.write(options, b"".join(os.fsencode(option) + b"\0" for option in bubblewrap_options(command, confinement)))
        os.lseek(options, 0, os.SEEK_SET)
        argv = [bubblewrap_path(), "--args", str(options), "--info-fd", str(telling), "--", *command.argv]
        yield Launch(_joining(groups, argv), {}, (options, telling), told)
    finally:
        for descriptor in (options, told, telling):
            os.close(descriptor)


def _joining(groups: Sequence[str], argv: Sequence[str]) -> list[str]:
    """The command line that joins control groups, then runs the command."""
    return ["/bin/sh", "-c", _JOIN, "sh", *groups, "--", *argv] if groups else list(argv)


@cache
def bubblewrap_users() -> tuple[tuple[str, ...], str]:
    """The user options that work on this machine, and why none does; one of the two is empty."""
    if not bubblewrap_path():
        return (), "it is not installed"
    trouble = ""
    for user in _USERS:
        trouble = _trouble(user)
        if not trouble:
            return user, ""
    return (), trouble


def _trouble(user: tuple[str, ...]) -> str:
    """Why bubblewrap does not run with these options; empty if it does."""
    probe, confinement = Command(["/bin/true"], "/", {}), Confinement(BUBBLEWRAP, user=user)
    try:
        with launching(probe, confinement) as launch:
            ended = subprocess.run(
                launch.argv, env={}, capture_output=True, pass_fds=launch.descriptors, timeout=_PROBE_S, check=False
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    kernel.reap("bwrap")  # its process 1 may have been adopted by this process
    if ended.returncode == 0:
        return ""
    said = ended.stderr.decode("utf-8", "replace").strip()[:300]
    return said or f"it ended with code {ended.returncode}"
