"""What commands of application packages may use, according to the settings and the abilities of this machine."""

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weaver_like.domain.errors import SettingError
from weaver_like.sandbox.commands import BUBBLEWRAP, DOCKER, NONE, PODMAN, Confinement
from weaver_like.sandbox.containers import CLIENT_VARIABLES, Containers
from weaver_like.sandbox.launch import bubblewrap_users
from weaver_like.settings import Settings

_SQLITE = "sqlite:///"
#: What SQLite puts beside the file of a store.
_SQLITE_FILES = ("", "-wal", "-shm", "-journal")
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
_OTHERS_READ = 0o004


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """The decision made when a server or worker starts. warning: what the operator should know; empty: nothing."""

    confinement: Confinement
    containers: Containers
    warning: str


def decide(settings: Settings) -> SandboxPolicy:
    """Choose confinement and containers. Raises: SettingError, if this machine lacks what the settings ask for."""
    asked = settings.sandbox.kind
    users: tuple[str, ...] = ()
    trouble = ""
    if asked in ("", BUBBLEWRAP):
        users, trouble = bubblewrap_users()
    kind = choose_kind(asked, trouble)
    return SandboxPolicy(confine(settings, kind, users), choose_containers(settings), warn(settings, kind, trouble))


def choose_kind(asked: str, trouble: str) -> str:
    """How commands are confined. trouble: why bubblewrap does not run here, empty if it does.

    Raises: SettingError.
    """
    if asked == BUBBLEWRAP and trouble:
        raise SettingError(f"The setting 'sandbox.kind' asks for bubblewrap, which does not run here: {trouble}")
    if asked:
        return asked
    return NONE if trouble else BUBBLEWRAP


def confine(settings: Settings, kind: str, users: tuple[str, ...]) -> Confinement:
    """The confinement that the settings ask for. users: options of bubblewrap about the user inside."""
    sandbox = settings.sandbox
    return Confinement(
        kind=kind,
        hidden=(*own_places(settings), *secrets(), *_paths(sandbox.hidden)),
        visible=_paths(sandbox.visible),
        images=settings.images,
        user=users,
        network=sandbox.network,
    )


def own_places(settings: Settings) -> tuple[str, ...]:
    """Folders and files in which this installation keeps what no command may see."""
    places = [settings.data_dir, *settings.plugin_folders]
    if not settings.outputs_s3:
        places.append(settings.outputs_dir)
    if settings.store_url.startswith(_SQLITE):
        store = settings.store_url.removeprefix(_SQLITE)
        places += [Path(store + ending).resolve() for ending in _SQLITE_FILES]
    return tuple(str(place) for place in places)


def secrets(folder: str = "/etc", home: Path | None = None) -> list[str]:
    """Files that the server's user may read but others may not, in folders that commands see; and its credentials.

    home: of that user.
    """
    home = home or Path(os.path.expanduser("~"))
    credentials = [str(home / name) for name in _CREDENTIALS if (home / name).exists()]
    return [*_private_files(folder), *credentials]


def _private_files(folder: str) -> Iterator[str]:
    """Files and folders below a folder that this user may read but others may not."""
    folders = [folder]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_symlink():
                continue
            if not entry.stat(follow_symlinks=False).st_mode & _OTHERS_READ:
                if os.access(entry.path, os.R_OK):
                    yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)


def choose_containers(settings: Settings) -> Containers:
    """Which container engine may be used, and how its client is called.

    Raises: SettingError, if all commands are to run in containers of an engine whose client is not installed.
    """
    sandbox = settings.sandbox
    kind = sandbox.containers
    if sandbox.kind in (DOCKER, PODMAN):
        kind = sandbox.kind
        if shutil.which(kind) is None:
            raise SettingError(f"The setting 'sandbox.kind' asks for {kind}, whose client is not installed here.")
    environment = {"PATH": os.defpath} | {name: os.environ[name] for name in CLIENT_VARIABLES if name in os.environ}
    return Containers(kind=kind, image=sandbox.image, pull=sandbox.pull, environment=environment)


def find_engine(command: str) -> tuple[str, ...]:
    """The command of another engine, with its absolute path: jobs start it in folders of their own.

    Raises: SettingError, if it is not installed.
    """
    parts = shlex.split(command)
    if not parts:
        return ()
    program = shutil.which(parts[0])
    if program is None:
        raise SettingError(f"The setting 'packages.engine' names the command '{parts[0]}', which was not found.")
    return (os.path.abspath(program), *parts[1:])


def warn(settings: Settings, kind: str, trouble: str) -> str:
    """What the operator should know about the confinement; empty: nothing. trouble: as in `choose_kind`."""
    if kind == NONE:
        reason = f"bubblewrap does not run here: {trouble}" if trouble else "the setting says so"
        return f"commands of application packages can see and do all that this server can (sandbox.kind=none; {reason})"
    if kind in (DOCKER, PODMAN) and not settings.sandbox.image:
        return f"application packages that name no image cannot run (sandbox.kind={kind}, sandbox.image is empty)"
    return ""


def _paths(text: str) -> tuple[str, ...]:
    return tuple(str(Path(path).expanduser().resolve()) for path in text.split(":") if path)
