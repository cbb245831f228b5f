"""`execute_job`: the life of one claimed job in a worker: stage, run in a child, collect, finish."""

import logging
import signal
import time
from pathlib import Path

from weaver_like.domain.errors import Fault, InvalidInput, JobDismissed, NoSuchJob, RunFailed, Unavailable, WeaverError
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Claim, Follower, Move, NewJob, Outcome
from weaver_like.domain.masks import clean
from weaver_like.domain.messages import (
    Answer,
    Done,
    Failed,
    FetchBeside,
    FileFetched,
    JobAccepted,
    LogLine,
    Progress,
    RequestRefused,
    RunOutput,
    StepChange,
    SubmitJobs,
)
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.engines.base import Interruption, WorkerLink
from weaver_like.files.stage import Staged, Stager
from weaver_like.jobs.control import clear_outputs
from weaver_like.jobs.outputs import Place, collect_outputs, own_locations, wanted_media_types
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.recover import clear_attempt
from weaver_like.jobs.steps import clean_step
from weaver_like.jobs.submit import check_execution, keeping, new_job, queue_of, submit_job
from weaver_like.jobs.watch import Watch
from weaver_like.observe.statistics import collect_statistics
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runtime import Runtime
from weaver_like.sandbox.children import Child, ChildEvent, Children, ZygoteLost
from weaver_like.sandbox.messages import ChildExit, ChildLimits, ChildRequest, CommandGroup, ReuseFolder, RunJob
from weaver_like.schemas.inputs import parse_inputs

log = logging.getLogger(__name__)
#: So long a worker waits with a finished job for a store that is away.
_STORE_PATIENCE_S = 300.0


class WorkerStopped(Exception):
    """The worker was told to stop at once: the job goes back into the queue."""


def execute_job(rt: Runtime, claim: Claim, children: Children, link: WorkerLink) -> None:
    """Run a claimed job to its end; every failure is a failed job, never a failed worker."""
    run = _Run(rt, claim, children, link)
    try:
        _finish(rt, claim, link, run)
    except Unavailable:
        log.error("job %s: the store stayed away; the job will be tried again", claim.job.id)


def _finish(rt: Runtime, claim: Claim, link: WorkerLink, run: "_Run") -> None:
    job = claim.job
    try:
        to, outcome = run.perform()
    except JobDismissed:
        _discard(rt, run)
        return rt.store.logs.append(job.id, run.reporter.take())
    except WorkerStopped:
        message = "The server was stopped; the job waits for its next start."
        _discard_files(rt, run)
        run.reporter.log(message)
        back = Move(Status.ACCEPTED, job.attempt, message, entries=run.reporter.take(), counted=False)
        if _move(run, back):
            link.submitted(job.id, job.queue)
        return None
    try:
        _keep(rt, claim, link, run, to, outcome)
    except Unavailable:
        raise
    except Exception as error:  # what cannot be kept is a failure of this job, not of its worker
        log.exception("job %s could not be kept", job.id)
        lost = RunFailed(f"The outcome could not be kept: {type(error).__name__}.")
        _keep(rt, claim, link, run, Status.FAILED, Outcome(error=lost))
    return None


def _keep(rt: Runtime, claim: Claim, link: WorkerLink, run: "_Run", to: Status, outcome: Outcome) -> None:
    job = claim.job
    message = "" if outcome.error is None else outcome.error.detail[:1000]
    followers = _followers(rt, claim) if to is Status.SUCCESSFUL else []
    move = Move(to, job.attempt, message, outcome, followers, run.reporter.take())
    if to is Status.FAILED:
        _discard_files(rt, run)
    if not _move(run, move):
        _discard(rt, run)  # dismissed or taken over in the last moment
        return
    if to is Status.FAILED:
        clear_outputs(rt, job.id)
    for follower in followers:
        link.submitted(follower.job.id, follower.job.queue)
    link.publish(StatusChanged(job.id, to, outbox=claim.execution.subscriber is not None))


def _move(run: "_Run", move: Move) -> bool:
    """Move a job that this worker holds, after what is left to be said of its steps.

    A store that is away is waited for, since the work is done and must not be lost.

    Raises: Unavailable, if it stays away: another worker will do the job again.
    """
    jobs, job_id = run.rt.store.jobs, run.job.id
    end, tried = time.monotonic() + _STORE_PATIENCE_S, False
    while True:
        try:
            run.reporter.keep_steps()
            moved = jobs.move(job_id, move)
            if not moved and tried:  # an earlier try may have come through before its connection broke
                job = jobs.get(job_id)
                moved = job.status is move.to and job.attempt == move.attempt
            return moved
        except Unavailable:
            tried = True
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _discard(rt: Runtime, run: "_Run") -> None:
    """Remove what is left of an attempt that came to nothing; the files of another attempt at the same job stay."""
    _discard_files(rt, run)
    try:
        dismissed = rt.store.jobs.get(run.job.id).status is Status.DISMISSED
    except NoSuchJob:
        dismissed = True
    if dismissed:
        clear_outputs(rt, run.job.id)


def _discard_files(rt: Runtime, run: "_Run") -> None:
    try:
        for result in run.results:
            if result.path:
                rt.area.discard(result.path)
    except Unavailable as error:
        log.warning("job %s: %s They go with the job.", run.job.id, error.detail)


def _followers(rt: Runtime, claim: Claim) -> list[NewJob]:
    if not claim.followers:
        return []
    head, *rest = claim.followers
    return [
        NewJob(
            new_job(rt, head.process_id, head.execution, claim.job.children_origin, queue_of(rt, head.process_id)),
            head.execution,
            tuple(rest),
        )
    ]


class _Run:
    """One attempt at one job."""

    def __init__(self, rt: Runtime, claim: Claim, children: Children, link: WorkerLink):
        self.rt = rt
        self.claim = claim
        self.job = claim.job
        self.children = children
        self.link = link
        self.reporter = Reporter(rt, claim, link)
        self.workdir: Path = rt.settings.work_dir / f"{claim.job.id}-{claim.job.attempt}"
        self.began = time.monotonic()
        self.stager: Stager | None = None
        self.outputs: dict[str, RunOutput] | None = None
        self.results: list[Result] = []
        self.error: WeaverError | None = None
        self.traceback: str | None = None

    def perform(self) -> tuple[Status, Outcome]:
        """Raises: JobDismissed, WorkerStopped."""
        self.reporter.started()
        staged, ended = Staged(), ChildExit(0, None, 0.0, 0)
        try:
            entry = self.rt.catalog.get_kept(self.job.process_id, self.claim.execution)
            (self.workdir / "inputs").mkdir(parents=True)
            limits = self.rt.settings.limits
            self.stager = Stager(self.rt.fetchers, limits.file_bytes, self.proceed)
            staged = self.stager.stage(self.claim.execution, entry.validator, self.workdir)
            ended = self.run_child(entry, staged)
            if self.error is None:
                place = Place(
                    self.rt.area,
                    self.job.id,
                    self.workdir,
                    own_locations(self.rt.settings, self.job.base_url),
                    self.proceed,
                )
                collect_outputs(self.results, self.outputs, entry.process, self.claim.execution, place)
        except (JobDismissed, WorkerStopped):
            raise
        except WeaverError as error:
            self.error = error
        except Exception as error:  # whatever a runner, a disk or a package does is a failed job
            log.exception("job %s", self.job.id)
            self.error = RunFailed(f"{type(error).__name__}: {error}")
        finally:
            # Now, not when the end of the job is kept: a job that filled the disk of the store leaves no room for that.
            clear_attempt(self.rt, self.workdir)
        if self.error is not None:
            self.error.detail = clean(self.error.detail, 10000)
            self.error.faults = tuple(Fault(fault.pointer, clean(fault.detail, 1000)) for fault in self.error.faults)
            self.traceback = clean(self.traceback, 20000) if self.traceback else None
            self.reporter.log(self.error.detail, logging.ERROR)
        bytes_out: dict[str, int] = {}
        for result in self.results:
            bytes_out[result.output] = bytes_out.get(result.output, 0) + result.size_bytes
        wall_s = time.monotonic() - self.began
        statistics = collect_statistics(
            queued_s=(self.job.started - self.job.created).total_seconds(),
            wall_s=wall_s,
            cpu_s=ended.cpu_s,
            peak_bytes=ended.peak_bytes,
            bytes_in=staged.bytes_in,
            bytes_out=bytes_out,
        )
        to = Status.SUCCESSFUL if self.error is None else Status.FAILED
        self.reporter.log(f"{to} after {wall_s:.3f} s (attempt {self.job.attempt})")
        return to, Outcome(tuple(self.results) if self.error is None else (), self.error, self.traceback, statistics)

    def proceed(self) -> None:
        """Called wherever the job may be stopped. Raises: JobDismissed, WorkerStopped."""
        reason = self.link.interruption(self.job.id)
        if reason is Interruption.DISMISSED:
            raise JobDismissed
        if reason is Interruption.STOPPED:
            raise WorkerStopped
        if time.monotonic() >= self.reporter.due and not self.reporter.flush():
            raise JobDismissed

    def run_child(self, entry: CatalogEntry, staged: Staged) -> ChildExit:
        """Fork the child and stay with it until it has ended; sets `raw` or `error`."""
        unit = entry.process.unit
        runner = self.rt.runners[unit.runner]
        memory_bytes = int(_least(unit.memory_limit_bytes, self.rt.settings.jobs.memory_limit_bytes))
        watch = Watch(self.rt.settings, runner, self.workdir, memory_bytes)
        limits = watch.group.limits
        task = RunJob(
            self.job.id,
            self.job.process_id,
            unit.target,
            runner.options,
            staged.inputs,
            wanted_media_types(entry.process, self.claim.execution),
            self._reuse(),
            CommandGroup(watch.group.folders, limits.processes, limits.memory_bytes, limits.cores),
        )
        child_limits = ChildLimits(memory_bytes, self.rt.settings.limits.work_bytes, watch.task_limit)
        request = ChildRequest(runner.module, str(self.workdir), task, child_limits)
        limit_s = _least(unit.time_limit_s, self.rt.settings.jobs.time_limit_s)
        try:
            return self._outcome(request, limit_s, watch)
        finally:
            watch.close()

    def _outcome(self, request: ChildRequest, limit_s: float, watch: Watch) -> ChildExit:
        try:
            child = self.children.fork(request)
        except ZygoteLost:
            child = self.children.fork(request)
        try:
            ended = self._attend(child, limit_s, watch)
        except ZygoteLost:
            self.children.stop()
            raise RunFailed("The process that held the job's child was killed.") from None
        except BaseException:
            self.children.stop()  # whatever happened here, no child may go on unattended
            raise
        finally:
            child.close()
        if self.outputs is None and self.error is None:
            self.error = RunFailed(f"The process {ended.reason()} before it gave a result.")
        return ended

    def _reuse(self) -> ReuseFolder | None:
        """Where outputs of steps are kept, if this job may take them from there."""
        settings = self.rt.settings
        if not (self.claim.execution.reuse or settings.jobs.reuse_steps):
            return None
        return ReuseFolder(str(settings.step_cache_dir), settings.jobs.reuse_bytes)

    def _attend(self, child: Child, limit_s: float, watch: Watch) -> ChildExit:
        child.watch(self.link.fileno())
        deadline = time.monotonic() + limit_s if limit_s else float("inf")
        while True:
            now = time.monotonic()
            if now >= deadline:
                self.error = RunFailed(f"The process ran longer than its {limit_s:g} s.")
                ended = self._end(child)
                break
            for event in child.events(max(0.0, min(self.reporter.due, deadline, watch.due) - now)):
                if isinstance(event, ChildExit):
                    peak = max(event.peak_bytes, watch.peak_bytes)
                    return ChildExit(event.code, event.signal, event.cpu_s, peak)
                self._handle(child, event)
            try:
                self.proceed()
            except (JobDismissed, WorkerStopped):
                self._end(child)
                raise
            reason = watch.look(child.pid) if time.monotonic() >= watch.due else ""
            if reason:
                self.error = RunFailed(reason)
                ended = self._end(child, grace_s=0)
                break
        return ended

    def _end(self, child: Child, grace_s: float | None = None) -> ChildExit:
        """Ask the whole group to end, then end it. grace_s: None: jobs.cancel_grace_s."""
        child.signal(signal.SIGTERM)
        force = time.monotonic() + (self.rt.settings.jobs.cancel_grace_s if grace_s is None else grace_s)
        child.unwatch(self.link.fileno())
        while True:
            left = force - time.monotonic()
            if left <= 0:
                child.signal(signal.SIGKILL)
            for event in child.events(max(0.05, left)):
                if isinstance(event, ChildExit):
                    return event

    def _handle(self, child: Child, event: ChildEvent) -> None:
        match event:
            case str():
                self.reporter.log(event)
            case Progress(percent, message):
                self.reporter.progress(percent, message)
            case LogLine(text, level):
                self.reporter.log(text, level)
            case StepChange(step):
                cleaned = clean_step(step)
                if cleaned is not None:
                    self.reporter.step(cleaned)
            case FetchBeside(path):
                child.answer(FileFetched(self.stager.fetch_beside(Path(path))))
            case SubmitJobs():
                child.answer(self._submit(event))
            case Done(outputs):
                self.outputs = outputs
            case Failed() if self.error is None:
                self.error, self.traceback = _failure(event), event.traceback

    def _submit(self, wanted: SubmitJobs) -> Answer:
        """Submit what the job's code asks for, checked like any request; the first job runs, the others follow it."""
        try:
            steps = []
            for step in wanted.steps:
                entry = self.rt.catalog.get(step.process_id)
                inputs = parse_inputs(step.inputs, entry.process)
                execution = Execution(inputs=inputs, priority=wanted.priority)
                check_execution(self.rt, entry, execution)
                steps.append(Follower(entry.process.id, keeping(entry.process, execution)))
            if not steps:
                return RequestRefused("expected at least one step, got a chain of none")
            first = steps[0]
            queue = queue_of(self.rt, first.process_id)
            job = new_job(self.rt, first.process_id, first.execution, self.job.children_origin, queue)
            submit_job(self.rt, job, first.execution, tuple(steps[1:]))
        except WeaverError as error:
            return RequestRefused(error.detail)
        self.link.submitted(job.id, job.queue)
        return JobAccepted(job.id)


def _failure(told: Failed) -> WeaverError:
    """The error of a run: the client's, if the process says that an input is to blame, else the process's own."""
    blame = told.blame
    if blame is None:
        return RunFailed(told.detail)
    pointer = f"/inputs/{blame.input}" if blame.input else "/inputs"
    return InvalidInput(blame.detail, faults=[Fault(pointer, blame.detail)])


def _least(*limits: float) -> float:
    """The smallest limit; 0 is none."""
    return min((limit for limit in limits if limit), default=0)
