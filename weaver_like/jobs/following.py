"""`Following`: attends to one run in a foreign system until the run and its job have ended."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from weaver_like.domain.errors import JobDismissed, RunFailed, Unavailable, WeaverError
from weaver_like.domain.followed import FollowedRun, RunState
from weaver_like.domain.job import Claim, Job
from weaver_like.domain.status import Status
from weaver_like.engines.base import JobLink
from weaver_like.jobs.control import clear_outputs
from weaver_like.jobs.finish import discard_files, finish
from weaver_like.jobs.outputs import requested_media_types
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.recover import clear_attempt
from weaver_like.jobs.run import JobRun, RunStopped, too_long
from weaver_like.runners.base import FollowedRunner
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
Said = TypeVar("Said")
#: How long a foreign system may be unreachable before its runs fail, or are given up.
_PATIENCE_S = 3600.0


class Following:
    """Follows one run that was handed over. Two processes may do so for a moment: the first end that is stored counts.

    Raises, in every method: Unavailable, if the store or the foreign system is away; RunStopped.
    """

    def __init__(self, rt: Runtime, link: JobLink):
        self._rt = rt
        self._link = link
        self._reporter: Reporter | None = None
        self._told = RunState(Status.ACCEPTED)
        self._away_since: float | None = None

    def attend(self, run: FollowedRun, job: Job | None) -> None:
        """Check the state of the run and act on it."""
        if job is None or job.status.final:
            self._release(run, job)
            return
        if run.deadline is not None and datetime.now(UTC) >= run.deadline:
            limit_s = (run.deadline - (job.started or run.begun)).total_seconds()
            self._fail(run, job, RunFailed(too_long(limit_s)))
            return
        runner = self._runner_of(run)
        if runner is None or run.handle is None:
            return
        handle = run.handle
        try:
            state = self._patiently(lambda: runner.look(handle))
        except Unavailable:
            raise
        except Exception as error:  # any error of a runner fails the job
            self._fail(run, job, _as_failure(job, error))
            return
        self._follow(run, job, runner, state)

    def _follow(self, run: FollowedRun, job: Job, runner: FollowedRunner, state: RunState) -> None:
        match state.status:
            case Status.SUCCESSFUL:
                self._succeed(run, job, runner)
            case Status.FAILED:
                self._fail(run, job, RunFailed(state.message or "The run failed in the system that ran it."))
            case Status.DISMISSED:
                self._fail(run, job, RunFailed("The run was dismissed in the system that ran it."))
            case _:
                self._tell(job, state)

    def _tell(self, job: Job, state: RunState) -> None:
        """Store progress that has changed."""
        if state == self._told:
            return
        self._told = state
        if self._reporter is None:
            self._reporter = Reporter(self._rt, self._claim(job), self._link, leased=False)
        if state.percent is not None or state.message:
            self._reporter.progress(state.percent if state.percent is not None else job.progress, state.message)
        self._reporter.flush()

    def _succeed(self, run: FollowedRun, job: Job, runner: FollowedRunner) -> None:
        ended = self._ended(job)
        error: WeaverError | None = None
        try:
            self._patiently(lambda: self._collect(ended, run, runner))
        except (JobDismissed, RunStopped, Unavailable):
            discard_files(self._rt, ended.results)
            raise
        except Exception as failure:
            error = _as_failure(job, failure)
        finally:
            clear_attempt(self._rt, ended.workdir)
        finish(ended, ended.outcome(error))
        self._release(run, self._rt.store.jobs.get(job.id))

    def _collect(self, ended: JobRun, run: FollowedRun, runner: FollowedRunner) -> None:
        assert run.handle is not None
        clear_attempt(self._rt, ended.workdir)  # left by a process that died while it followed the run on this machine
        ended.workdir.mkdir(parents=True)
        execution = ended.claim.execution
        process = self._rt.catalog.get_kept(ended.job.process_id, execution).process
        outputs = runner.collect(run.handle, requested_media_types(process, execution), ended.workdir)
        ended.collect(outputs, process)

    def _fail(self, run: FollowedRun, job: Job, error: WeaverError) -> None:
        ended = self._ended(job)
        finish(ended, ended.outcome(error))
        self._release(run, self._rt.store.jobs.get(job.id))

    def _ended(self, job: Job) -> JobRun:
        claim = self._claim(job)
        reporter = self._reporter or Reporter(self._rt, claim, self._link, leased=False)
        ended = JobRun(self._rt, claim, self._link, reporter)
        ended.began -= (datetime.now(UTC) - (job.started or job.created)).total_seconds()
        return ended

    def _claim(self, job: Job) -> Claim:
        """Read when needed, so that the inputs of hundreds of jobs are not held in memory."""
        documents = self._rt.store.jobs.get_documents(job.id)
        return Claim(job, documents.execution, documents.followers)

    def _release(self, run: FollowedRun, job: Job | None) -> None:
        """Release the run in the foreign system, then forget it here."""
        if run.handle is None and datetime.now(UTC) - run.begun < timedelta(seconds=self._rt.settings.engine.lease_s):
            return  # a worker may be about to start it, and will see that the job has ended
        runner = self._runner_of(run)
        try:
            handle = run.handle or self._find(run, job, runner)
            if runner is not None and handle is not None:
                self._patiently(lambda: runner.release(handle))
        except Unavailable:
            raise
        except Exception as error:
            log.warning("job %s: its run could not be released: %s: %s", run.job_id, type(error).__name__, error)
        if job is not None and job.status is Status.DISMISSED:
            clear_outputs(self._rt, run.job_id)
        self._rt.store.followed.forget(run.job_id)

    def _find(self, run: FollowedRun, job: Job | None, runner: FollowedRunner | None) -> str | None:
        """The handle of a run whose worker died before storing it. Raises: WeaverError, if it cannot be found out."""
        if job is None or runner is None:
            raise RunFailed("it is not known whether the run was started")
        execution = self._rt.store.jobs.get_documents(job.id).execution
        target = self._rt.catalog.get_kept(job.process_id, execution).process.unit.target
        return self._patiently(lambda: runner.find(run.job_id, target))

    def _runner_of(self, run: FollowedRun) -> FollowedRunner | None:
        runner = self._rt.runners.get(run.runner)
        if isinstance(runner, FollowedRunner):
            return runner
        log.warning("job %s: this installation has no runner '%s' to follow its run", run.job_id, run.runner)
        return None

    def _patiently(self, talk: Callable[[], Said]) -> Said:
        """Call the foreign system. Raises: Unavailable, as long as it may be away; then RunFailed."""
        try:
            said = talk()
        except Unavailable as error:
            now = time.monotonic()
            self._away_since = self._away_since or now
            if now - self._away_since < _PATIENCE_S:
                raise
            raise RunFailed(f"The system that runs the job stays unavailable: {error.detail}") from error
        self._away_since = None
        return said


def _as_failure(job: Job, error: Exception) -> WeaverError:
    if isinstance(error, WeaverError):
        return error
    log.error("job %s", job.id, exc_info=error)
    return RunFailed(f"{type(error).__name__}: {error}")
