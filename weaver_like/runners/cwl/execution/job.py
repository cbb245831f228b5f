"""One command of a tool: start it confined, hear it, end it in time, collect what it left."""

import os
import shlex
import shutil
import threading
from collections.abc import Callable, Mapping, MutableMapping

from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import CommandLineJob, relink_initialworkdir
from cwltool.utils import bytes2str_in_dicts

from weaver_like.domain.step import StepStatus
from weaver_like.runners.cwl.data.cleanup import clear_leavings
from weaver_like.runners.cwl.data.reuse import Reuse
from weaver_like.runners.cwl.execution.attend import CommandExit, Streams, attend, start, tail_of, with_inner
from weaver_like.runners.cwl.execution.resources import Allowed
from weaver_like.runners.cwl.execution.steps import Node
from weaver_like.sandbox import kernel
from weaver_like.sandbox.commands import NONE, Command, Confinement, Launch, environment_path, launching
from weaver_like.sandbox.containers import ContainerEngine, Containers
from weaver_like.sandbox.groups import Group, GroupLimits


class JobContext(RuntimeContext):
    """What cwltool hands from job to job, with what ours need. node: the step that this is about.  reuse: None unless asked for.

    workdir: of this run.  readable: it, and the package's folder.
    """

    confinement: Confinement = Confinement()
    group: Group = Group((), GroupLimits())
    allowed: Allowed = Allowed()
    containers: Containers = Containers()
    engine: ContainerEngine | None = None
    node: Node | None = None
    workdir: str = ""
    readable: tuple[str, ...] = ()
    reuse: Reuse | None = None
    _prepare: Callable[[dict], dict | None] | None = None

    @property
    def postScatterEval(self) -> Callable[[dict], dict | None] | None:
        """cwltool prepares the inputs of every job of a scattered step with it, in order, before it asks for the jobs; None: that one is skipped."""
        return self._prepare

    @postScatterEval.setter
    def postScatterEval(self, prepare: Callable[[dict], dict | None] | None) -> None:
        def prepare_item(order: dict) -> dict | None:
            prepared = prepare(order)
            self.node.add_item(prepared is None)
            return prepared

        self._prepare = prepare and prepare_item


class Running:
    """Children of this OS process that are wanted; when none is, what they left behind ends, whatever session it is in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                kernel.end_descendants()


RUNNING = Running()


class Attended:
    """Of any kind of job of cwltool: its command runs under our eyes, and whatever happens, the outcome is told to whoever waits for it."""

    node: Node
    document: Mapping
    needs_command = True

    def _execute(
        self,
        runtime: list[str],
        env: MutableMapping[str, str],
        runtimeContext: JobContext,
        monitor_function: Callable | None = None,
    ) -> None:
        reuse = runtimeContext.reuse if self._may_reuse() else None
        key = reuse and reuse.key_of(self)
        self.node.begin(shlex.join(map(str, self.command_line)))
        outputs, status, message, measured = {}, "permanentFail", "", {}
        try:
            code = reuse.take(self, key) if key else None
            if code is not None:
                outputs = bytes2str_in_dicts(self.collect_outputs(self.outdir, code))
                self.node.end(StepStatus.REUSED, exit_code=code)
                return self._tell(outputs, "success", runtimeContext)
            ended = self._ended(runtime, env, runtimeContext)
            status, measured = (
                self._status(ended.code),
                {"exit_code": ended.code, "cpu_s": ended.cpu_s, "peak_bytes": ended.peak_bytes},
            )
            if ended.timed_out:
                status, message = "permanentFail", f"ran longer than its {self.timelimit} s"
            elif status != "success":
                message = ". ".join(filter(None, (ended.reason(), runtimeContext.group.excess()))).rstrip(".")
                self.node.keep_tail(self._written_tail())
            if self.generatemapper is not None:
                relink_initialworkdir(
                    self.generatemapper, self.outdir, self.builder.outdir, inplace_update=self.inplace_update
                )
            if status == "success":
                outputs = bytes2str_in_dicts(self.collect_outputs(self.outdir, ended.code))
                if key:
                    reuse.keep(self, key, ended.code)
        except (WorkflowException, OSError, ValueError) as error:
            message = (str(error).strip()[:4000] or type(error).__name__) + self._left(error)
            status, outputs = "permanentFail", {}
        self.node.end(StepStatus.SUCCESSFUL if status == "success" else StepStatus.FAILED, message=message, **measured)
        return self._tell(outputs, status, runtimeContext)

    def _ended(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        """Run the command, and look through what it left. Raises: WorkflowException, OSError."""
        if not self.command_line and self.needs_command:
            raise WorkflowException(
                "The tool has no command: it needs a baseCommand, arguments, or an input with an inputBinding."
            )
        ended = self._run(runtime, env, context)
        for folder in (self.outdir, *self._inplace()):
            clear_leavings(folder, context.readable, self.node.line)
        return ended

    def _may_reuse(self) -> bool:
        """Source: CWL 1.2, WorkReuse. A command that changes its inputs in place leaves more than its outputs."""
        wish, _ = self.get_requirement("WorkReuse")
        return not self.inplace_update and (wish is None or wish.get("enableReuse") is not False)

    def _tell(self, outputs: dict, status: str, context: JobContext) -> None:
        if self.output_callback:
            with context.workflow_eval_lock:
                self.output_callback(outputs, status)

    def _status(self, code: int) -> str:
        for status, codes in (
            ("success", self.successCodes),
            ("temporaryFail", self.temporaryFailCodes),
            ("permanentFail", self.permanentFailCodes),
        ):
            if code in codes:
                return status
        return "success" if code == 0 else "permanentFail"

    def _left(self, error: Exception) -> str:
        """Where an output was looked for in vain: what there is instead."""
        if "Did not find output file" not in str(error):
            return ""
        names = sorted(os.listdir(self.outdir))
        return f" The command left: {', '.join(names[:20]) or 'nothing'}{', ...' if len(names) > 20 else ''}."

    def _written_tail(self) -> list[str]:
        """Of the files that standard error and output were written into."""
        lines: list[str] = []
        for name in (self.stdout, self.stderr):
            path = name and os.path.join(self.outdir, name)
            if path and os.path.isfile(path) and not os.path.islink(path):
                lines += tail_of(path)
        return lines

    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        raise NotImplementedError

    def _attended(self, launch: Launch) -> CommandExit:
        streams = Streams(self._stdin_path(), self._output_path(self.stdout), self._output_path(self.stderr))
        with RUNNING:
            process, output = start(launch, self.outdir, streams)
            return with_inner(attend(process, output, self.timelimit, self.node.line), launch.told)

    def _inplace(self) -> list[str]:
        """Folders and files of other steps that this one changes."""
        if not self.inplace_update or self.generatemapper is None:
            return []
        return [
            entry.resolved
            for _, entry in self.generatemapper.items()
            if str(entry.type).startswith("Writable") and os.path.exists(entry.resolved)
        ]

    def _stdin_path(self) -> str | None:
        if not self.stdin:
            return None
        found = self.pathmapper.reversemap(self.stdin)
        if found is None:
            raise WorkflowException(f"The file for standard input, '{self.stdin}', is not among the inputs.")
        return found[1]

    def _output_path(self, name: str | None) -> str | None:
        if not name:
            return None
        path = os.path.join(self.outdir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path


class ConfinedJob(Attended, CommandLineJob):
    """A command on this machine; paths are the same inside and outside."""

    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        command = self._command([*map(str, runtime), *map(str, self.command_line)], env, context)
        if not command.root:
            self._check_program(command.argv[0], command.environment["PATH"])
        kernel.adopt_orphans()
        with launching(command, context.confinement, context.group.folders) as launch:
            return self._attended(launch)

    def _check_program(self, name: str, path: str) -> None:
        """What is not here is not in a sandbox either, which would say so in words of its own. Raises: WorkflowException."""
        folders = os.pathsep.join(os.path.join(self.outdir, folder) for folder in path.split(os.pathsep))
        own = os.path.join(self.outdir, name)
        if shutil.which(own if os.path.dirname(name) else name, path=folders) or shutil.which(own):
            return
        if os.path.isfile(own):
            raise WorkflowException(
                f"The command '{name}' is a file that may not be executed; baseCommand can name a program to read it, e.g. sh or python3."
            )
        raise WorkflowException(
            f"The command '{name}' was not found: it is not installed where commands of packages look."
        )

    def _required_env(self) -> dict[str, str]:
        """PATH is the tool's own, if it has one."""
        return {"HOME": self.outdir, "TMPDIR": self.tmpdir}

    def _command(self, argv: list[str], env: MutableMapping[str, str], context: JobContext) -> Command:
        stand_in = self._stand_in(context.confinement)
        is_root = bool(stand_in) and os.path.isdir(os.path.join(stand_in, "usr"))
        if is_root and context.confinement.kind == NONE:
            raise WorkflowException(
                f"The image is mapped to '{stand_in}', a root, which asks for sandbox.kind=bubblewrap."
            )
        if self.networkaccess and not context.confinement.network:
            raise WorkflowException(
                "The tool asks for a network (NetworkAccess), and this server gives commands none (sandbox.network=false)."
            )
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin" if is_root else environment_path(stand_in)} | dict(env)
        readable = (*context.readable, *((stand_in,) if stand_in and not is_root else ()))
        return Command(
            argv,
            self.outdir,
            environment,
            readable,
            (self.outdir, self.tmpdir, *self._inplace()),
            self.networkaccess,
            stand_in if is_root else "",
        )

    def _stand_in(self, confinement: Confinement) -> str:
        """The local folder for the image that the tool wants; empty: none."""
        image, _ = self.get_requirement("DockerRequirement")
        return confinement.images.get(str(image.get("dockerPull") or image.get("dockerImageId")), "") if image else ""
