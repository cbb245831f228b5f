"""`ChildSession`: a worker's session with the child that runs a job: its messages, its limits, its end."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from weaver_like.domain.errors import Fault, FetchFailed, InvalidInput, RunFailed, WeaverError
from weaver_like.domain.messages import (
    Answer,
    Done,
    Failed,
    FetchBeside,
    FetchRemote,
    FileFetched,
    LogLine,
    OutputArray,
    OutputFile,
    Progress,
    RemoteFetched,
    RequestRefused,
    RunInput,
    RunOutput,
    RunProcess,
    StepChange,
    SubmitJobs,
    Usage,
)
from weaver_like.domain.process import Process
from weaver_like.engines.base import WorkerLink
from weaver_like.files.stage import Stager
from weaver_like.jobs.chain import submit_chain
from weaver_like.jobs.outputs import requested_media_types
from weaver_like.jobs.run import JobRun, least, time_limit_s, too_long
from weaver_like.jobs.steps import clean_step
from weaver_like.jobs.substeps import Substeps
from weaver_like.jobs.watch import Watch
from weaver_like.runners.base import ChildRunner
from weaver_like.sandbox.children import Child, ChildEvent, Children, ZygoteLost
from weaver_like.sandbox.messages import ChildExit, ChildLimits, ChildRequest, CommandGroup, ReuseFolder, RunJob

#: How long a child gets to end by itself after it has said that it is done.
_LEAVE_S = 5.0


class ChildSession:
    """One child, from its fork to its end.

    Args:
        run: of the job; `run.proceed` is called between events, and raises to stop it.
        substeps: the jobs that are steps of this one; they end with it.
        keep: given the outputs and what was used, stores the outcome before the child has ended; False: not possible
            now.
    Attributes:
        exit: how the child ended, once it has.
        traceback: of a failure, without the frames of this server.
    """

    def __init__(
        self,
        run: JobRun,
        link: WorkerLink,
        substeps: Substeps,
        keep: Callable[[Mapping[str, RunOutput], ChildExit], bool],
    ):
        self.exit: ChildExit | None = None
        self.traceback: str | None = None
        self._rt = run.rt
        self._claim = run.claim
        self._workdir = run.workdir
        self._link = link
        self._reporter = run.reporter
        self._proceed = run.proceed
        self._substeps = substeps
        self._keep = keep
        self._outputs: Mapping[str, RunOutput] | None = None
        self._usage = Usage(0.0, 0)
        self._tried = False
        self._error: WeaverError | None = None

    def run(
        self,
        children: Children,
        runner: ChildRunner,
        process: Process,
        inputs: dict[str, tuple[RunInput, ...]],
        stager: Stager,
    ) -> Mapping[str, RunOutput]:
        """Fork the child and attend to it until it ends; its outputs.

        stager: fetches the further files that the job's code asks for.
        Raises: WeaverError, if the run failed; whatever `proceed` raises.
        """
        unit, settings = process.unit, self._rt.settings
        self._runner = runner
        memory_bytes = int(least(unit.memory_limit_bytes, settings.jobs.memory_limit_bytes))
        watch = Watch(settings, runner, self._workdir, memory_bytes)
        try:
            request = self._request(runner, process, inputs, watch, memory_bytes)
            self.exit = self._stay(children, request, stager, time_limit_s(settings, process), watch)
        finally:
            watch.close()
        if self._error is not None:
            raise self._error
        if self._outputs is None:
            raise RunFailed(f"The process {self.exit.reason()} before it returned a result.")
        return self._outputs

    def _request(
        self,
        runner: ChildRunner,
        process: Process,
        inputs: dict[str, tuple[RunInput, ...]],
        watch: Watch,
        memory_bytes: int,
    ) -> ChildRequest:
        limits = watch.group.limits
        task = RunJob(
            job_id=self._claim.job.id,
            process_id=self._claim.job.process_id,
            target=process.unit.target,
            options=runner.options,
            inputs=inputs,
            outputs=requested_media_types(process, self._claim.execution),
            reuse=self._reuse(),
            group=CommandGroup(watch.group.folders, limits.processes, limits.memory_bytes, limits.cores),
            secrets=self._claim.execution.secrets,
        )
        child_limits = ChildLimits(memory_bytes, self._rt.settings.limits.work_bytes, watch.task_limit)
        return ChildRequest(runner.module, str(self._workdir), task, child_limits)

    def _reuse(self) -> ReuseFolder | None:
        """The folder of kept step outputs, if this job may reuse them."""
        settings = self._rt.settings
        if not (self._claim.execution.reuse or settings.jobs.reuse_steps):
            return None
        return ReuseFolder(str(settings.step_cache_dir), settings.jobs.reuse_bytes)

    def _stay(
        self, children: Children, request: ChildRequest, stager: Stager, limit_s: float, watch: Watch
    ) -> ChildExit:
        try:
            child = children.fork(request)
        except ZygoteLost:
            child = children.fork(request)
        try:
            return self._attend(child, stager, limit_s, watch)
        except ZygoteLost:
            children.stop()
            raise RunFailed("The process that held the job's child was killed.") from None
        except BaseException:
            children.stop()  # no child may run unattended
            raise
        finally:
            child.close()

    def _attend(self, child: Child, stager: Stager, limit_s: float, watch: Watch) -> ChildExit:
        for descriptor in self._heard:
            child.watch(descriptor)
        deadline = time.monotonic() + limit_s if limit_s else float("inf")
        while True:
            now = time.monotonic()
            if now >= deadline:
                self._error = RunFailed(too_long(limit_s))
                return self._end(child, self._rt.settings.jobs.cancel_grace_s)
            for event in child.events(max(0.0, min(self._reporter.due, deadline, watch.due) - now)):
                if isinstance(event, ChildExit):
                    peak_bytes = max(event.peak_bytes, watch.peak_bytes)
                    return ChildExit(event.code, event.signal, event.cpu_s, peak_bytes)
                self._handle(child, event, stager)
            try:
                self._proceed()
                for ended in self._substeps.attend():
                    child.answer(ended)
            except BaseException:
                self._end(child, self._rt.settings.jobs.cancel_grace_s)
                raise
            if self._outputs is not None and self._is_settled(child) and self._kept_early(child, watch):
                return self._end(child, _LEAVE_S, asks=False)
            excess = watch.look(child.pid) if time.monotonic() >= watch.due else ""
            if excess:
                self._error = RunFailed(excess)
                return self._end(child, grace_s=0)

    def _is_settled(self, child: Child) -> bool:
        """Whether nothing that the job started can change its outputs any more, though the child has not ended."""
        if self._tried or self._error is not None or not child.is_alone:
            return False
        return not _hold_files(self._outputs or {}) or (child.threads == 1 and not self._runner.starts_commands)

    def _kept_early(self, child: Child, watch: Watch) -> bool:
        """Raises: as `proceed`, when the child has ended."""
        self._tried = True
        for line in child.printed():
            self._reporter.log(str(line))
        peak_bytes = max(self._usage.peak_bytes, watch.peak_bytes)
        try:
            return self._keep(self._outputs or {}, ChildExit(0, None, self._usage.cpu_s, peak_bytes))
        except WeaverError as error:
            self._error = error
            return False

    @property
    def _heard(self) -> tuple[int, int]:
        """Descriptors of those that may have something to say beside the child."""
        return self._link.fileno(), self._substeps.fileno()

    def _end(self, child: Child, grace_s: float, asks: bool = True) -> ChildExit:
        """Ask the child's process group to end, and kill it after the grace period. asks: False: it ends anyway."""
        if asks:
            child.signal(signal.SIGTERM)
        force = time.monotonic() + grace_s
        for descriptor in self._heard:
            child.unwatch(descriptor)
        while True:
            left_s = force - time.monotonic()
            if left_s <= 0:
                child.signal(signal.SIGKILL)
            for event in child.events(max(0.05, left_s)):
                if isinstance(event, ChildExit):
                    return event

    def _fetch_remote(self, stager: Stager, url: str) -> Answer:
        try:
            return RemoteFetched(str(stager.fetch_remote(url, self._workdir)))
        except FetchFailed as error:
            return RequestRefused(error.detail)

    def _handle(self, child: Child, event: ChildEvent, stager: Stager) -> None:
        match event:
            case str():
                self._reporter.log(event)
            case Progress(percent, message):
                self._reporter.progress(percent, message)
            case LogLine(text, level):
                self._reporter.log(text, level)
            case StepChange(step):
                cleaned = clean_step(step, self._reporter.secrets)
                if cleaned is not None:
                    self._reporter.step(cleaned)
            case FetchBeside(path):
                child.answer(FileFetched(stager.fetch_beside(Path(path))))
            case FetchRemote(url):
                child.answer(self._fetch_remote(stager, url))
            case RunProcess():
                child.answer(self._substeps.begin(event))
            case SubmitJobs():
                child.answer(submit_chain(self._rt, self._claim.job, event, self._link))
            case Done(outputs, usage):
                self._outputs, self._usage = outputs, usage
            case Failed() if self._error is None:
                self._error, self.traceback = _failure(event), event.traceback


def _hold_files(outputs: Mapping[str, RunOutput]) -> bool:
    for output in outputs.values():
        parts = output.items if isinstance(output, OutputArray) else (output,)
        if any(isinstance(part, OutputFile) or part.files for part in parts):
            return True
    return False


def _failure(failed: Failed) -> WeaverError:
    """The error of a failed run: InvalidInput if the process blames an input, otherwise RunFailed."""
    blame = failed.blame
    if blame is None:
        return RunFailed(failed.detail)
    pointer = f"/inputs/{blame.input}" if blame.input else "/inputs"
    return InvalidInput(blame.detail, faults=[Fault(pointer, blame.detail)])
