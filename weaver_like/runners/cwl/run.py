"""Runs application packages: one forked child for each job, from a zygote that has read the schemas of CWL."""

import os
import re
from functools import cached_property
from pathlib import Path

from cwltool.errors import WorkflowException
from cwltool.process import Process, shortname
from cwltool.workflow import Workflow
from schema_salad.exceptions import ValidationException

from weaver_like.domain.masks import Secrets
from weaver_like.domain.messages import (
    Blame,
    Done,
    FetchBeside,
    FetchRemote,
    FileFetched,
    RemoteFetched,
    RequestRefused,
)
from weaver_like.domain.step import StepStatus
from weaver_like.files.stepcache import StepCache
from weaver_like.runners.answers import ChildWire
from weaver_like.runners.base import ChildRun
from weaver_like.runners.cwl.data.outputs import raw_outputs
from weaver_like.runners.cwl.data.paths import ConfinedFsAccess, ConfinedPathMapper, check_objects, confine
from weaver_like.runners.cwl.data.reuse import Reuse
from weaver_like.runners.cwl.data.values import job_order
from weaver_like.runners.cwl.document.load import warm
from weaver_like.runners.cwl.document.refusals import without_libraries
from weaver_like.runners.cwl.execution.context import JobContext, RunScope
from weaver_like.runners.cwl.execution.executor import ToolExecutor, WorkflowExecutor
from weaver_like.runners.cwl.execution.external import EngineFailed, run_externally
from weaver_like.runners.cwl.execution.resources import Allowed
from weaver_like.runners.cwl.execution.steps import Node, Recorder
from weaver_like.runners.cwl.kept import folder_of, get_tool, keep_tool, write
from weaver_like.runners.cwl.logs import FirstError, listen
from weaver_like.runners.cwl.options import CwlOptions
from weaver_like.runners.cwl.types import Document, Values
from weaver_like.sandbox.groups import Group, GroupLimits
from weaver_like.sandbox.messages import ChildRequest, RunJob

#: How cwltool begins what it says of inputs, and we do. Source: cwltool, process.py and builder.py; values.py.
_ABOUT_INPUTS = re.compile(
    r"Expected value of '|The archive '|nvalid job input record|Missing required secondary file|[Mm]issing .*input"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: Errors whose words are for the users of CWL tools.
_OF_PACKAGES = (WorkflowException, ValidationException)
warm()


class CwlFailed(Exception):
    """The run did not succeed; the text says which step, and why."""


class CwlRun(ChildRun[RunJob]):
    """Runs one process of a package. target: {"files", "remote", "main", "fragment", "processes"?, "digest"?}."""

    def run(self) -> Done:
        said = listen()
        confine((self._workdir, self._package), self._bring, self._fetch)
        write(self.task.target, self._package)
        tool = get_tool(self.task.target, self._package)
        external = self._options.engine.runs(self.task.process_id)
        recorder = Recorder(self.send, external or not isinstance(tool, Workflow), self._plain, self._secrets.mask)
        order = job_order(tool, self.task.inputs, self._workdir / "inputs")
        self._secrets.add(*(order.get(name) for name in self.task.secrets))
        if external:
            found = self._run_externally(order, _single(tool, recorder))
        else:
            found = self._execute(tool, order, recorder, said)
        check_objects(found, ConfinedFsAccess.roots)
        return Done(raw_outputs(tool, found, self._workdir / "outputs"))

    @cached_property
    def _options(self) -> CwlOptions:
        return CwlOptions.parse(self.task.options)

    @cached_property
    def _secrets(self) -> Secrets:
        return Secrets()

    @cached_property
    def _workdir(self) -> Path:
        return Path(self.request.workdir).resolve()

    @cached_property
    def _package(self) -> Path:
        return folder_of(self.task.target, self._workdir)

    def _bring(self, path: str) -> bool:
        """Have the worker fetch what lies beside an input where that came from; False if there is none."""
        return self.ask(FetchBeside(path)) == FileFetched(True)

    def _fetch(self, url: str) -> str:
        """Have the worker fetch a file that the package names. Raises: WorkflowException."""
        answer = self.ask(FetchRemote(url))
        if isinstance(answer, RemoteFetched):
            return answer.path
        reason = answer.reason if isinstance(answer, RequestRefused) else "it was not fetched"
        raise WorkflowException(f"A file that the package names is not to be had: {reason}")

    def _run_externally(self, order: Values, step: Node) -> Values:
        """The whole package is one step: what another engine does inside is not seen."""
        target = self.task.target
        if target.get("processes"):
            names = ", ".join(target["processes"])
            raise CwlFailed(f"Another engine runs this package, and knows no processes of this server: {names}.")
        document = str(self._package / target["main"])
        if target["fragment"]:
            document += f"#{target['fragment']}"
        step.begin()
        try:
            found = run_externally(self._options.engine.command, document, order, self._workdir, step.line)
        except BaseException as error:
            step.fail(str(error))
            raise
        step.end(StepStatus.SUCCESSFUL)
        return found

    def _execute(self, tool: Process, order: Values, recorder: Recorder, said: FirstError) -> Values:
        """Raises: CwlFailed."""
        scope = self._scope()
        executor: ToolExecutor | WorkflowExecutor = ToolExecutor()
        node = recorder.root
        if isinstance(tool, Workflow):
            executor = WorkflowExecutor(self._options.parallel, scope.allowed)
        else:
            node = _single(tool, recorder)
        found, status = executor.execute(tool, order, self._context(scope, node))
        if status != "success":
            raise CwlFailed(recorder.reason() or said.text or f"The package ended as '{status}'.")
        return dict(found or {})

    def _scope(self) -> RunScope:
        options = self._options
        workdir = str(self._workdir)
        readable = (workdir, str(self._package))
        group = self.task.group
        asked = self.task.reuse
        reuse = None
        if asked is not None:
            reuse = Reuse(StepCache(Path(asked.path), asked.most_bytes), readable)
        return RunScope(
            workdir=workdir,
            readable=readable,
            confinement=options.confinement,
            containers=options.containers,
            group=Group(group.folders, GroupLimits(group.processes, group.memory_bytes, group.cores)),
            allowed=Allowed(options.cores, self.request.limits.memory_bytes),
            run_process=self.run_process,
            reuse=reuse,
            secrets=self._secrets,
        )

    def _context(self, scope: RunScope, node: Node) -> JobContext:
        for name in ("steps", "tmp"):
            (self._workdir / name).mkdir()
        return JobContext(
            {
                "basedir": scope.workdir,
                "tmpdir_prefix": f"{scope.workdir}/tmp/",
                "tmp_outdir_prefix": f"{scope.workdir}/steps/",
                "rm_tmpdir": False,
                "use_container": False,
                "compute_checksum": False,
                "make_fs_access": ConfinedFsAccess,
                "path_mapper": ConfinedPathMapper,
            },
            scope,
            node,
        )

    def explain(self, error: BaseException) -> tuple[str, str | None]:
        """The words of CWL tools are for their users: without our folders, and without our code."""
        if isinstance(error, (CwlFailed, EngineFailed)):  # with words of the commands
            return self._plain(str(error)), None
        if isinstance(error, _OF_PACKAGES):
            return without_libraries(self._plain(str(error))), None
        return super().explain(error)

    def blame(self, error: BaseException) -> Blame | None:
        """What cwltool has against the inputs, before it starts anything."""
        if isinstance(error, _OF_PACKAGES) and _ABOUT_INPUTS.search(str(error)):
            return Blame(None, without_libraries(self._plain(str(error)).partition(" from file object: {")[0]))
        return None

    def _plain(self, text: str) -> str:
        """Without colours, without the folders of this run, and without secrets."""
        workdir, package = self._workdir, self._package
        for shown in (
            # The zygote, which read the package, works in the folder of all jobs: cwltool tells lines of it from there.
            f"{os.path.relpath(package, workdir.parent)}/",
            f"file://{package}/",
            f"{package}/",
            f"file://{workdir}/",
            f"{workdir}/",
        ):
            text = text.replace(shown, "")
        return self._secrets.mask(_COLOURS.sub("", text).strip())


def _single(tool: Process, recorder: Recorder) -> Node:
    """The one step that a tool is, or that another engine's run is."""
    return recorder.root.add(shortname(tool.tool["id"]).removesuffix(".cwl"))


def prepare(target: Document) -> None:
    """Called by the zygote, whose working folder is that of the jobs: read a package once for all its children."""
    keep_tool(target, folder_of(target, Path.cwd() / "job"))


def run_in_child(request: ChildRequest, channel: ChildWire) -> int:
    """Called by the zygote after the fork."""
    assert isinstance(request.task, RunJob)
    return CwlRun(request, request.task, channel).serve()
