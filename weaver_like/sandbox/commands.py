"""A foreign command, and what it may use of this machine."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

BUBBLEWRAP, NONE, DOCKER, PODMAN = "bubblewrap", "none", "docker", "podman"
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the operator lets commands see and use.

    Args:
        kind: BUBBLEWRAP, NONE, DOCKER or PODMAN.
        hidden: folders and files that are empty inside, e.g. of the store and its credentials.
        visible: folders that commands see, read-only, inside folders that they do not see.
        images: name of a container image -> local folder that stands for it: a root, or an environment with bin/.
        user: options of bubblewrap about the user inside, as far as they work on this machine.
        network: whether commands that ask for a network get one.
    """

    kind: str = NONE
    hidden: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    images: dict[str, str] = field(default_factory=dict)
    user: tuple[str, ...] = ()
    network: bool = True


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder that a command sees at another path, read-only; there is one that it is mounted on."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be started.

    Args:
        argv: the command itself.
        folder: where it starts.
        environment: its whole environment.
        readable, writable: folders and files beside the system's own, under the same paths inside.
        mounts: what is seen at another path, in the order in which it is mounted.
        network: whether it has network access.
        root: folder that takes the place of the system's own folders; empty: the system's.
    """

    argv: Sequence[str]
    folder: str
    environment: dict[str, str]
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    network: bool = False
    root: str = ""


def environment_path(image: str = "", own: str = "") -> str:
    """PATH of commands: an environment that stands for an image, Python's own folder, the system's.

    image: folder of that environment; empty: none.  own: what the tool says in place of the last two; empty: nothing.
    """
    folders = [own] if own else [str(Path(sys.prefix) / "bin"), _PATH]
    if image:
        folders.insert(0, str(Path(image) / "bin"))
    return ":".join(folders)
