"""The files and folders that a command finds: real ones, under their own names, at the paths that it is told.

Source: CWL 1.2, CommandLineTool.html, "Runtime environment" and "Dirent": inputs are read-only, and so is what
InitialWorkDirRequirement lists, unless it is writable; a command may be refused to rename or delete it.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from cwltool.errors import WorkflowException
from cwltool.pathmapper import MapperEnt, PathMapper

from weaver_like.runners.cwl.data.paths import ConfinedFsAccess
from weaver_like.runners.cwl.data.trees import copy_to_read, copy_to_write, leads_out, link, put_tree
from weaver_like.runners.cwl.execution.context import JobContext
from weaver_like.sandbox.commands import Mount

#: Smaller files of the output folder are copied: a mount takes longer.
_MOUNTED_BYTES = 2**20
#: Each mount takes longer than the one before; beyond so many, what can be linked file by file is.
_MOST_MOUNTS = 16
#: Types of what exists and may be changed.
_CHANGED = ("WritableFile", "WritableDirectory")


@dataclass(frozen=True, slots=True)
class Zone:
    """A folder that a command has.

    Args:
        inside: its path as the command knows it.
        here: its path on this side.
        sealed: the command sees it read-only, whatever rights its files give: they may be links to the originals.
    """

    inside: str
    here: str
    sealed: bool

    def place(self, target: str) -> str | None:
        """The path on this side of what is below it; None if it is elsewhere."""
        below = target.startswith(self.inside + os.sep)
        return self.here + target[len(self.inside) :] if below else None


class Staging:
    """What one command finds; nothing of it leads to an original that the command must not change.

    Args:
        inputs, outputs: where cwltool puts the inputs, and the output folder.
        mounting: whether commands get mounts; else they get copies.
        context: folders that it makes are read-only for the command, if it sees them at all.

    Attributes:
        mounts: to be made for the command, in this order.
    """

    def __init__(self, inputs: Zone, outputs: Zone, *, mounting: bool, context: JobContext):
        self.mounts: list[Mount] = []
        self._inputs, self._outputs = inputs, outputs
        self._mounting = mounting
        self._context = context
        self._asides: list[Zone] = []
        self._moved: list[tuple[str, str]] = []
        self._shown: list[tuple[str, str]] = []
        self._copies: list[str] = []

    def stage(self, mapper: PathMapper, in_place: bool = False) -> None:
        """Put everything where it belongs. in_place: writable entries are the originals.

        Raises: WorkflowException, OSError.
        """
        staged = [(key, entry) for key, entry in mapper.items() if entry.staged]
        entries = _by_target(entry for _, entry in staged)
        holders = _folders_above(entries)
        writable = _folders_above(entry for entry in entries if _is_writable(entry))
        for entry in entries:
            here, sealed = self._find(entry.target)
            os.makedirs(os.path.dirname(here), exist_ok=True)
            if os.path.isfile(here):  # of a folder that was copied, and has another file in this place now
                os.unlink(here)
            if _is_literal_folder(entry):
                self._make_folder(entry, here, sealed or entry.target in writable)
            elif entry.type == "Directory":
                self._show_folder(entry, here, sealed, entry.target in holders)
            elif entry.type == "File":
                self._show_file(entry, here, sealed)
            elif in_place and entry.type in _CHANGED:
                self._move(entry, here)
            else:
                _make(entry, here)
        for key, entry in staged:
            if str(entry.type).startswith("Create"):
                mapper.update(key, self._final(entry.target), entry.target, entry.type, entry.staged)

    def real(self, path: str) -> str:
        """Where on this side something is while the command runs, by the path that the command knows."""
        path = os.path.normpath(path)
        for mount in reversed(self.mounts):
            if (path + os.sep).startswith(mount.target + os.sep):
                return mount.source + path[len(mount.target) :]
        return self._final(path)

    def put_back(self) -> None:
        """After the command: what was moved goes back, and what was only shown leads to the originals."""
        for original, here in self._moved:
            if os.path.lexists(here) and _is_real(os.path.dirname(here)):
                os.rename(here, original)
        for aside in self._asides:
            final = self._final(aside.inside)
            if _is_real(final):
                os.rename(aside.here, final)
        for original, final in self._shown:
            # Else the command removed what it may change, or led what is to be replaced elsewhere.
            if os.path.lexists(original) and _is_real(os.path.dirname(final)):
                _remove(final)
                os.symlink(original, final)

    def discard(self) -> None:
        """Remove the copies of inputs: outputs are in the output folder, or are originals."""
        for copy in self._copies:
            _remove(copy)

    def _find(self, target: str) -> tuple[str, bool]:
        """The place on this side for now, and whether it is sealed. Raises: WorkflowException."""
        for zone in (*reversed(self._asides), self._outputs, self._inputs):
            place = zone.place(target)
            if place is not None:
                return place, zone.sealed
        raise WorkflowException(f"'{os.path.basename(target)}' is to be placed outside of the folders of the step.")

    def _final(self, target: str) -> str:
        """The place on this side after the command."""
        return self._outputs.place(target) or self._inputs.place(target) or target

    def _make_folder(self, entry: MapperEnt, here: str, as_it_is: bool) -> None:
        """One that was given as a list. In the output folder it is made aside, of links, and mounted as a whole."""
        os.makedirs(here, exist_ok=True)
        if as_it_is or not self._mounting or len(self.mounts) >= _MOST_MOUNTS or _is_writable(entry):
            return
        aside = Zone(entry.target, os.path.join(self._context.create_tmpdir(), os.path.basename(here)), sealed=True)
        os.mkdir(aside.here)
        self._asides.append(aside)
        self.mounts.append(Mount(aside.here, entry.target))

    def _show_file(self, entry: MapperEnt, here: str, sealed: bool) -> None:
        source = os.path.realpath(entry.resolved)
        self._note(entry, here)
        if sealed:
            self._link(source, here)
        elif self._mounting and os.path.getsize(source) > _MOUNTED_BYTES:
            os.close(os.open(here, os.O_CREAT | os.O_EXCL, stat.S_IMODE(os.stat(source).st_mode)))
            self.mounts.append(Mount(source, entry.target))
        else:
            copy_to_read(source, here)

    def _show_folder(self, entry: MapperEnt, here: str, sealed: bool, holds_others: bool) -> None:
        source = os.path.realpath(entry.resolved)
        if not holds_others:
            self._note(entry, here)
        quick = sealed and len(self.mounts) >= _MOST_MOUNTS
        if not self._mounting or quick or holds_others:
            put_tree(source, here, self._link if sealed else copy_to_read, ConfinedFsAccess.roots.check)
            return
        os.makedirs(here, exist_ok=True)
        self.mounts.append(Mount(self._settled(source), entry.target))

    def _note(self, entry: MapperEnt, here: str) -> None:
        """What is to be done when the command has ended."""
        final = self._outputs.place(entry.target)
        if final is not None:
            self._shown.append((entry.resolved, final))
        elif not self._mounting:
            self._copies.append(here)

    def _settled(self, folder: str) -> str:
        """A folder without links that lead to what is beside it: it is the one, or has the same files."""
        if not leads_out(folder):
            return folder
        settled = os.path.join(self._context.create_tmpdir(), os.path.basename(folder))
        put_tree(folder, settled, self._link, ConfinedFsAccess.roots.check)
        return settled

    def _link(self, source: str, target: str) -> None:
        """Files of the package are copied: they are for all jobs, and a later step may change what this one got."""
        if source.startswith(self._context.scope.workdir + os.sep):
            link(source, target)
        else:
            copy_to_read(source, target)

    def _move(self, entry: MapperEnt, here: str) -> None:
        original = os.path.realpath(entry.resolved)
        os.rename(original, here)
        self._moved.append((original, here))
        self._shown.append((original, here))


def own_originals(mapper: PathMapper, context: JobContext) -> None:
    """Give the job an original of its own for what it changes in place, and what is not in its work folder.

    Files of a package are there for all jobs. Raises: OSError.
    """
    for key, entry in list(mapper.items()):
        real = os.path.realpath(entry.resolved)
        changed = entry.staged and entry.type in _CHANGED and not _is_literal_folder(entry)
        if changed and not real.startswith(context.scope.workdir + os.sep):
            own = os.path.join(context.create_tmpdir(), os.path.basename(entry.target))
            _make(entry, own)
            mapper.update(key, own, entry.target, entry.type, entry.staged)


def _make(entry: MapperEnt, here: str) -> None:
    """What the command may change, and what is only contents."""
    match entry.type:
        case "WritableFile":
            copy_to_write(os.path.realpath(entry.resolved), here)
        case "WritableDirectory":
            put_tree(entry.resolved, here, copy_to_write, ConfinedFsAccess.roots.check)
        case "CreateFile" | "CreateWritableFile":
            with open(here, "w", encoding="utf-8") as file:
                file.write(entry.resolved)
            if entry.type == "CreateFile":
                os.chmod(here, stat.S_IRUSR)


def _by_target(entries: Iterable[MapperEnt]) -> list[MapperEnt]:
    """One for each place, folders before what is in them. Raises: WorkflowException, for two that want the same."""
    found: dict[str, MapperEnt] = {}
    for entry in entries:
        first = found.setdefault(entry.target, entry)
        both_made = _is_literal_folder(first) and _is_literal_folder(entry)
        if first.resolved != entry.resolved and not both_made:
            raise WorkflowException(
                f"Two different files or folders are to be placed under the name '{os.path.basename(entry.target)}' "
                "in the same folder."
            )
    return sorted(found.values(), key=lambda entry: entry.target.count(os.sep))


def _folders_above(entries: Iterable[MapperEnt]) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        folder = os.path.dirname(entry.target)
        while folder not in found and folder != os.path.dirname(folder):
            found.add(folder)
            folder = os.path.dirname(folder)
    return found


def _is_literal_folder(entry: MapperEnt) -> bool:
    return entry.type in ("Directory", "WritableDirectory") and entry.resolved.startswith("_:")


def _is_writable(entry: MapperEnt) -> bool:
    return "Writable" in str(entry.type)


def _is_real(folder: str) -> bool:
    """Whether a folder is there, and no link leads to it."""
    return os.path.isdir(folder) and os.path.realpath(folder) == folder


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)
