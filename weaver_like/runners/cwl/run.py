"""Runs application packages: one forked child for each job, from a zygote that has read the schemas of CWL."""

import logging
import os
import re
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path

from cwltool.errors import WorkflowException
from cwltool.process import Process, shortname
from cwltool.workflow import Workflow
from schema_salad.exceptions import ValidationException

from weaver_like.domain.messages import Blame, Done, FetchBeside, FileFetched
from weaver_like.domain.step import StepStatus
from weaver_like.files.stepcache import StepCache
from weaver_like.runners.base import ChildRun, ChildWire
from weaver_like.runners.cwl.data.outputs import raw_outputs
from weaver_like.runners.cwl.data.paths import ConfinedFsAccess, ConfinedPathMapper, check_objects, confine
from weaver_like.runners.cwl.data.reuse import Reuse
from weaver_like.runners.cwl.data.values import job_order
from weaver_like.runners.cwl.document.documents import decoded, write_package
from weaver_like.runners.cwl.document.load import Documents, load, warm
from weaver_like.runners.cwl.execution.executor import ToolExecutor, WorkflowExecutor
from weaver_like.runners.cwl.execution.external import EngineFailed, run_externally, takes_over
from weaver_like.runners.cwl.execution.job import JobContext
from weaver_like.runners.cwl.execution.resources import Allowed
from weaver_like.runners.cwl.execution.steps import Node, Recorder
from weaver_like.sandbox.commands import Confinement
from weaver_like.sandbox.containers import Containers
from weaver_like.sandbox.groups import Group, GroupLimits
from weaver_like.sandbox.messages import ChildRequest, RunJob

#: How cwltool begins what it says of inputs, and we do. Source: cwltool, process.py and builder.py; values.py.
_ABOUT_INPUTS = re.compile(
    r"Expected value of '|The archive '|nvalid job input record|Missing required secondary file|[Mm]issing .*input"
)
warm()
#: Digest -> tools that this process has read; children find them as they were at the fork.
_TOOLS: OrderedDict[str, Process] = OrderedDict()
_MOST_TOOLS = 50


class CwlFailed(Exception):
    """The run did not succeed; the text says which step, and why."""


class CwlRun(ChildRun[RunJob]):
    """Runs one process of a package. target: {"files", "remote", "main", "fragment"}."""

    def run(self) -> Done:
        target, workdir = self.task.target, Path(self.request.workdir).resolve()
        errors = _quiet()
        package = _folder(target, workdir)
        confine((workdir, package), self._bring)
        _write(target, package)
        tool = _TOOLS.get(target.get("digest", "")) or _read(target, package)
        external = takes_over(self.task.options, self.task.process_id)
        recorder = Recorder(self.send, external or not isinstance(tool, Workflow), self._plain)
        order = job_order(tool, self.task.inputs, workdir / "inputs")
        if external:
            document = f"{package / target['main']}" + (f"#{target['fragment']}" if target["fragment"] else "")
            found = self._run_externally(document, order, _single(tool, recorder))
            check_objects(found, ConfinedFsAccess.roots)
            return Done(raw_outputs(tool, found, workdir / "outputs"))
        found, status = self._execute(tool, order, self._context(workdir, _node(tool, recorder)))
        if status != "success":
            raise CwlFailed(recorder.reason() or errors.first or f"The package ended as '{status}'.")
        check_objects(found, ConfinedFsAccess.roots)
        return Done(raw_outputs(tool, found or {}, workdir / "outputs"))

    def _bring(self, path: str) -> bool:
        """Have the worker fetch what lies beside an input where that came from; False if there is none."""
        return self.ask(FetchBeside(path)) == FileFetched(True)

    def _run_externally(self, document: str, order: dict, step: Node) -> dict:
        """The whole package is one step: what another engine does inside is not seen."""
        step.begin()
        try:
            found = run_externally(
                self.task.options["engine"], document, order, Path(self.request.workdir).resolve(), step.line
            )
        except BaseException as error:
            step.fail(str(error))
            raise
        step.end(StepStatus.SUCCESSFUL)
        return found

    def _context(self, workdir: Path, node: Node) -> JobContext:
        for name in ("steps", "tmp"):
            (workdir / name).mkdir()
        places = str(workdir), str(_folder(self.task.target, workdir))
        return JobContext(
            {
                "basedir": str(workdir),
                "tmpdir_prefix": f"{workdir}/tmp/",
                "tmp_outdir_prefix": f"{workdir}/steps/",
                "rm_tmpdir": False,
                "use_container": False,
                "compute_checksum": False,
                "make_fs_access": ConfinedFsAccess,
                "path_mapper": ConfinedPathMapper,
                "confinement": Confinement(**self.task.options["confinement"]),
                "node": node,
                "reuse": self._reuse(places),
                "workdir": str(workdir),
                "readable": places,
                "containers": Containers(**self.task.options["containers"]),
                "group": self._group(),
                "allowed": Allowed(self.task.options["cores"], self.request.limits.memory_bytes),
            }
        )

    def _group(self) -> Group:
        given = self.task.group
        return Group(given.folders, GroupLimits(given.processes, given.memory_bytes, given.cores))

    def _reuse(self, places: tuple[str, ...]) -> Reuse | None:
        asked = self.task.reuse
        return Reuse(StepCache(Path(asked.path), asked.most_bytes), places) if asked else None

    def _execute(self, tool: Process, order: dict, context: JobContext) -> tuple[dict | None, str]:
        executor = (
            WorkflowExecutor(self.task.options["parallel"], context.allowed)
            if isinstance(tool, Workflow)
            else ToolExecutor()
        )
        return executor.execute(tool, order, context, logging.getLogger("cwltool"))

    def explain(self, error: BaseException) -> tuple[str, str | None]:
        """The words of CWL tools are for their users: without our folders, and without our code."""
        if not isinstance(error, (CwlFailed, EngineFailed, WorkflowException, ValidationException)):
            return super().explain(error)
        return self._plain(str(error)), None

    def blame(self, error: BaseException) -> Blame | None:
        """What cwltool has against the inputs, before it starts anything."""
        if isinstance(error, (WorkflowException, ValidationException)) and _ABOUT_INPUTS.search(str(error)):
            return Blame(None, self._plain(str(error)).partition(" from file object: {")[0])
        return None

    def _plain(self, text: str) -> str:
        workdir = Path(self.request.workdir).resolve()
        package = _folder(self.task.target, workdir)
        # The zygote, which read the package, works in the folder of all jobs: cwltool tells lines of the document from there.
        for shown in (
            f"{os.path.relpath(package, workdir.parent)}/",
            f"file://{package}/",
            f"{package}/",
            f"file://{workdir}/",
            f"{workdir}/",
        ):
            text = text.replace(shown, "")
        return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


def _node(tool: Process, recorder: Recorder) -> Node:
    """What runs: all steps of a workflow, or the one step that a tool is."""
    return recorder.root if isinstance(tool, Workflow) else _single(tool, recorder)


def _single(tool: Process, recorder: Recorder) -> Node:
    return recorder.root.add(shortname(tool.tool["id"]).removesuffix(".cwl"))


class _Errors(logging.StreamHandler):
    """Keeps the first error that cwltool tells, and the first warning: where no command failed, it is the reason."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[int, str] = {}

    @property
    def first(self) -> str:
        return self._first[max(self._first)] if self._first else ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info and record.exc_info[1] is not None else None
        self._first.setdefault(
            record.levelno, (str(error) if error is not None else record.getMessage()).strip()[:4000]
        )
        if isinstance(error, (WorkflowException, ValidationException)):
            record.exc_info = record.exc_text = (
                None  # a mistake of the package; lines of cwltool's code say nothing of it
            )
        super().emit(record)


def _quiet(level: int = logging.WARNING) -> _Errors:
    """cwltool says a line for each thing that it does; warnings are worth keeping."""
    errors = _Errors()
    os.environ["PATH"] = os.environ.get("PATH", os.defpath)
    for name in ("cwltool", "salad", "rdflib"):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers = [errors]
        logger.propagate = False
    # It tells each expression that fails with a traceback, and raises the same.
    logging.getLogger("cwl_utils").setLevel(logging.CRITICAL)
    return errors


def _folder(target: dict, workdir: Path) -> Path:
    """Where the files of a package are: in DATA/cache, if they are kept ready, else in the job's own folder."""
    if "digest" not in target:
        return workdir / "package"
    return workdir.parents[1] / "cache" / "packages" / target["digest"]


def _write(target: dict, package: Path) -> None:
    """The files of a package, unless they are there: whole, or not at all."""
    if package.is_dir():
        return
    package.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=package.parent))
    write_package(decoded(target["files"]), draft)
    try:
        draft.rename(package)
    except OSError:  # another worker was faster
        shutil.rmtree(draft)


def _read(target: dict, package: Path) -> Process:
    return load(Documents(package, target["main"], target["remote"]), target["fragment"], validate=False)


def prepare(target: dict) -> None:
    """Called by the zygote, whose working folder is that of the jobs: read a package once for all its children."""
    package = _folder(target, Path.cwd() / "job")
    while len(_TOOLS) >= _MOST_TOOLS:
        _TOOLS.popitem(last=False)
    _write(target, package)
    _quiet(logging.CRITICAL)  # what there is to say, each run says itself
    _TOOLS[target["digest"]] = _read(target, package)


def run_in_child(request: ChildRequest, channel: ChildWire) -> int:
    """Called by the zygote after the fork."""
    assert isinstance(request.task, RunJob)
    return CwlRun(request, request.task, channel).serve()
