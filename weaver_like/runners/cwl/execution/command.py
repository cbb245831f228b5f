"""One command of a tool: start it, hear it, end it in time, collect what it left."""

import os
import shlex
import subprocess
from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from cwl_utils.types import CWLObjectType
from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.utils import bytes2str_in_dicts

from weaver_like.domain.step import StepStatus
from weaver_like.runners.cwl.data.cleanup import clean_up
from weaver_like.runners.cwl.data.reuse import Reuse
from weaver_like.runners.cwl.execution.attend import CommandExit, Streams, attend, start, tail_of, with_inner
from weaver_like.runners.cwl.execution.context import JobContext, eval_lock, job_context
from weaver_like.runners.cwl.execution.running import RUNNING
from weaver_like.runners.cwl.execution.staging import Staging, own_originals
from weaver_like.runners.cwl.execution.steps import Node
from weaver_like.sandbox.launch import Launch

_SUCCESS, _FAILED = "success", "permanentFail"
_LONGEST_MESSAGE = 4000
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a step.

    status: as cwltool names it.  reused_code: exit code of an earlier run whose outputs these are.
    """

    status: str
    outputs: CWLObjectType = field(default_factory=dict)
    message: str = ""
    reused_code: int | None = None


@dataclass(frozen=True, slots=True)
class _Reusing:
    """Where the outputs of this step are, or will be."""

    cache: Reuse
    key: str


class AttendedJob(JobBase):
    """A job of cwltool whose command runs under our eyes; whatever happens, its outcome reaches whoever waits for it.

    Attributes:
        node: its step.
        document: of its tool.
        lacks: what its tool only hints at and does without, a sentence for each.
        staging: the files and folders that the command finds.
    """

    node: Node
    document: Mapping[str, Any]
    lacks: Sequence[str] = ()
    staging: Staging
    needs_command = True
    _exit: CommandExit | None = None

    def _execute(
        self,
        runtime: list[str],
        env: MutableMapping[str, str],
        runtimeContext: RuntimeContext,
        monitor_function: Callable[["subprocess.Popen[str]"], None] | None = None,
    ) -> None:
        context = job_context(runtimeContext)
        reusing = self._reusing(context)
        self.node.begin(shlex.join(map(str, self.command_line)))
        try:
            outcome = self._reused(reusing) or self._performed(runtime, env, context, reusing)
        except (WorkflowException, OSError, ValueError) as error:
            outcome = _Outcome(_FAILED, message=self._explained(error))
        self._end_node(outcome)
        if self.output_callback:
            with eval_lock(context):
                self.output_callback(outcome.outputs, outcome.status)

    def _setup(self, runtimeContext: RuntimeContext) -> None:
        super()._setup(runtimeContext)
        context = job_context(runtimeContext)
        self.staging = self._make_staging(context)
        if self.inplace_update and self.generatemapper is not None:
            own_originals(self.generatemapper, context)

    @abstractmethod
    def _make_staging(self, context: JobContext) -> Staging:
        """Where the command is to find its files and folders; nothing is there yet."""

    @abstractmethod
    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        """Run the command to its end. Raises: WorkflowException, OSError."""

    def _reusing(self, context: JobContext) -> _Reusing | None:
        """Where its outputs may come from; None: it is always run.

        A command that changes its inputs in place leaves more than its outputs. Source: CWL 1.2, WorkReuse.
        """
        wish, _ = self.get_requirement("WorkReuse")
        cache = context.scope.reuse
        if cache is None or self.inplace_update or (wish is not None and wish.get("enableReuse") is False):
            return None
        if context.scope.secrets.found_in(self.joborder):
            return None  # a key would tell something of the secret, and who does not know it would get what it opened
        key = cache.key_of(self, self.document)
        return None if key is None else _Reusing(cache, key)

    def _reused(self, reusing: _Reusing | None) -> _Outcome | None:
        code = None if reusing is None else reusing.cache.take(self.outdir, reusing.key)
        if code is None:
            return None
        return _Outcome(_SUCCESS, self._collected(code), reused_code=code)

    def _performed(
        self, runtime: list[str], env: MutableMapping[str, str], context: JobContext, reusing: _Reusing | None
    ) -> _Outcome:
        if not self.command_line and self.needs_command:
            raise WorkflowException(
                "The tool has no command: it needs a baseCommand, arguments, or an input with an inputBinding."
            )
        ended = self._run(runtime, env, context)
        clean_up(self.outdir, context.scope.readable, self.node.line)
        self._exit = ended
        outcome = self._judged(ended, context)
        self.staging.put_back()
        if outcome.status != _SUCCESS:
            return outcome
        outputs = self._collected(ended.code)
        if reusing is not None:
            reusing.cache.keep(self.outdir, reusing.key, ended.code)
        self.staging.discard()
        return _Outcome(_SUCCESS, outputs)

    def _judged(self, ended: CommandExit, context: JobContext) -> _Outcome:
        """Whether the command succeeded, without its outputs yet."""
        if ended.timed_out:
            return _Outcome(_FAILED, message=f"ran longer than its {self.timelimit} s")
        status = self._status(ended.code)
        if status == _SUCCESS:
            return _Outcome(status)
        self.node.keep_tail(self._written_tail())
        reasons = filter(None, (ended.reason(), context.scope.group.excess()))
        return _Outcome(status, message=". ".join(reasons).rstrip("."))

    def _status(self, code: int) -> str:
        for status, codes in (
            (_SUCCESS, self.successCodes),
            ("temporaryFail", self.temporaryFailCodes),
            (_FAILED, self.permanentFailCodes),
        ):
            if code in codes:
                return status
        return _SUCCESS if code == 0 else _FAILED

    def _collected(self, code: int) -> CWLObjectType:
        outputs = bytes2str_in_dicts(self.collect_outputs(self.outdir, code))
        return cast(CWLObjectType, outputs)  # of an object an object comes

    def _end_node(self, outcome: _Outcome) -> None:
        if outcome.reused_code is not None:
            self.node.end(StepStatus.REUSED, exit_code=outcome.reused_code)
            return
        status, message = StepStatus.SUCCESSFUL, outcome.message
        if outcome.status != _SUCCESS:
            status = StepStatus.FAILED
            message = ". ".join(part.rstrip(".") for part in (message, *self.lacks))
        ended = self._exit
        if ended is None:
            self.node.end(status, message)
        else:
            self.node.end(status, message, ended.code, ended.cpu_s, ended.peak_bytes)

    def _explained(self, error: Exception) -> str:
        message = str(error).strip()[:_LONGEST_MESSAGE] or type(error).__name__
        if "Did not find output file" not in message:
            return message
        names = sorted(os.listdir(self.outdir))
        left = ", ".join(names[:_MOST_NAMES]) or "nothing"
        more = ", ..." if len(names) > _MOST_NAMES else ""
        return f"{message} The command left: {left}{more}."

    def _written_tail(self) -> list[str]:
        """Of the files that standard error and output were written into."""
        lines: list[str] = []
        for name in (self.stdout, self.stderr):
            path = os.path.join(self.outdir, name) if name else ""
            if path and os.path.isfile(path) and not os.path.islink(path):
                lines += tail_of(path)
        return lines

    def _attended(self, launch: Launch) -> CommandExit:
        streams = Streams(self._stdin_path(), self._output_path(self.stdout), self._output_path(self.stderr))
        with RUNNING:
            process, output = start(launch, self.outdir, streams)
            ended = attend(process, output, self.timelimit, self.node.line)
            return with_inner(ended, launch.told)

    def _stdin_path(self) -> str | None:
        if not self.stdin:
            return None
        found = self.pathmapper.reversemap(self.stdin)
        if found is None:
            raise WorkflowException(f"The file for standard input, '{self.stdin}', is not among the inputs.")
        original = str(found[1])
        if os.path.exists(original):
            return original
        return self.staging.real(self.stdin)  # it is changed in place, and was moved there

    def _output_path(self, name: str | None) -> str | None:
        if not name:
            return None
        path = os.path.join(self.outdir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path
