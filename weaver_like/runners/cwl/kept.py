"""Packages that are kept ready: their files in DATA/cache, and their tools in the zygote."""

import logging
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path

from cwltool.process import Process

from weaver_like.runners.cwl.document.documents import decoded, write_package
from weaver_like.runners.cwl.document.load import Documents, load
from weaver_like.runners.cwl.document.processes import ServerProcesses
from weaver_like.runners.cwl.logs import listen
from weaver_like.runners.cwl.types import Document

_MOST_TOOLS = 50
#: Digest -> tool that this process has read; children find it as it was at the fork.
_TOOLS: OrderedDict[str, Process] = OrderedDict()


def folder_of(target: Document, workdir: Path) -> Path:
    """Where the files of a package are: in DATA/cache, if they are kept ready, else in the job's own folder."""
    if "digest" not in target:
        return workdir / "package"
    return workdir.parents[1] / "cache" / "packages" / str(target["digest"])


def write(target: Document, folder: Path) -> None:
    """The files of a package, unless they are there: all of them, or none."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    write_package(decoded(target["files"]), draft)
    try:
        draft.rename(folder)
    except OSError:  # another worker was faster
        shutil.rmtree(draft)


def get_tool(target: Document, folder: Path) -> Process:
    """The tool of a package; read now, unless it was kept."""
    tool = _TOOLS.get(target.get("digest", ""))
    return _read(target, folder) if tool is None else tool


def keep_tool(target: Document, folder: Path) -> None:
    """Read a package for all children that this process will have. target: with a digest."""
    while len(_TOOLS) >= _MOST_TOOLS:
        _TOOLS.popitem(last=False)
    write(target, folder)
    listen(logging.CRITICAL)  # what there is to say, each run says itself
    _TOOLS[target["digest"]] = _read(target, folder)


def _read(target: Document, folder: Path) -> Process:
    processes = ServerProcesses(folder, target.get("processes"))
    return load(Documents(folder, target["main"], processes, target["remote"]), target["fragment"], validate=False)
