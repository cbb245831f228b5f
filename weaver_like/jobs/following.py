"""`Following`: what is done about one run in a foreign system until that has ended, and its job with it."""

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
#: How long a foreign system may be out of reach before its runs count as failed, or are given up.
_PATIENCE_S = 3600.0


class Following:
    """One run that was handed over. It may be followed by two for a moment: the first end that is kept counts.

    Raises, in every method: Unavailable, if the store or the foreign system is away; RunStopped.
    """

    def __init__(self, rt: Runtime, link: JobLink):
        self._rt = rt
        self._link = link
        self._reporter: Reporter | None = None
        self._told = RunState(Status.ACCEPTED)
        self._away_since: float | None = None

    def attend(self, run: FollowedRun, job: Job | None) -> None:
        """Look how the run stands, and do what follows from that."""
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
        except Exception as error:  # whatever a runner does is a failed job
            self._fail(run, job, _as_failure(job, error))
            return
        self._follow(run, job, runner, state)

    def _follow(self, run: FollowedRun, job: Job, runner: FollowedRunner, state: RunState) -> None:
        match state.status:
            case Status.SUCCESSFUL:
                self._succeed(run, job, runner)
            case Status.FAILED:
                self._fail(run, job, RunFailed(state.message or "The run failed where it ran."))
            case Status.DISMISSED:
                self._fail(run, job, RunFailed("The run was dismissed where it ran."))
            case _:
                self._tell(job, state)

    def _tell(self, job: Job, state: RunState) -> None:
        """Keep progress that is new."""
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
        clear_attempt(self._rt, ended.workdir)  # of who followed it before, on this machine, and died
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
        """Read anew where it is wanted: the inputs of hundreds of jobs need not be held meanwhile."""
        documents = self._rt.store.jobs.get_documents(job.id)
        return Claim(job, documents.execution, documents.followers)

    def _release(self, run: FollowedRun, job: Job | None) -> None:
        """Let the foreign system forget the run, and forget it here."""
        if run.handle is None and datetime.now(UTC) - run.begun < timedelta(seconds=self._rt.settings.engine.lease_s):
            return  # a worker may be about to start it, and sees then that the job has ended
        runner = self._runner_of(run)
        try:
            handle = run.handle or self._find(run, job, runner)
            if runner is not None and handle is not None:
                self._patiently(lambda: runner.release(handle))
        except Unavailable:
            raise
        except Exception as error:
            log.warning("job %s: its run is left where it ran: %s: %s", run.job_id, type(error).__name__, error)
        if job is not None and job.status is Status.DISMISSED:
            clear_outputs(self._rt, run.job_id)
        self._rt.store.followed.forget(run.job_id)

    def _find(self, run: FollowedRun, job: Job | None, runner: FollowedRunner | None) -> str | None:
        """The handle of a run whose worker died before it could say. Raises: WeaverError, if nobody can tell."""
        if job is None or runner is None:
            raise RunFailed("nobody knows whether it was started")
        execution = self._rt.store.jobs.get_documents(job.id).execution
        target = self._rt.catalog.get_kept(job.process_id, execution).process.unit.target
        return self._patiently(lambda: runner.find(run.job_id, target))

    def _runner_of(self, run: FollowedRun) -> FollowedRunner | None:
        runner = self._rt.runners.get(run.runner)
        if isinstance(runner, FollowedRunner):
            return runner
        log.warning("job %s: this installation has no runner '%s' that could follow it", run.job_id, run.runner)
        return None

    def _patiently(self, talk: Callable[[], Said]) -> Said:
        """Raises: Unavailable, as long as the foreign system may be away; then RunFailed."""
        try:
            said = talk()
        except Unavailable as error:
            now = time.monotonic()
            self._away_since = self._away_since or now
            if now - self._away_since < _PATIENCE_S:
                raise
            raise RunFailed(f"The system that runs the job stays away: {error.detail}") from error
        self._away_since = None
        return said


def _as_failure(job: Job, error: Exception) -> WeaverError:
    if isinstance(error, WeaverError):
        return error
    log.error("job %s", job.id, exc_info=error)
    return RunFailed(f"{type(error).__name__}: {error}")
