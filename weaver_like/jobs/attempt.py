"""`Attempt`: a worker's attempt at one job: stages its inputs, then runs it in a child or in a foreign system."""

import logging

from weaver_like.domain.errors import JobDismissed, RunFailed, WeaverError
from weaver_like.domain.job import Claim, Outcome
from weaver_like.engines.base import WorkerLink
from weaver_like.files.stage import Stager
from weaver_like.jobs.childsession import ChildSession
from weaver_like.jobs.handover import hand_over
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.recover import clear_attempt
from weaver_like.jobs.run import JobRun, RunStopped
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runners.base import ChildRunner, FollowedRunner, Runner
from weaver_like.runtime import Runtime
from weaver_like.sandbox.children import Children

log = logging.getLogger(__name__)


class Attempt(JobRun):
    """One attempt at one job."""

    def __init__(self, rt: Runtime, claim: Claim, children: Children, link: WorkerLink):
        super().__init__(rt, claim, link, Reporter(rt, claim, link))
        self._children = children
        self._worker_link = link

    def run(self) -> Outcome | None:
        """Run the job; its outcome, None if it goes on in a foreign system. Raises: JobDismissed, RunStopped."""
        self.reporter.started()
        ended, error = True, None
        try:
            ended = self._perform(self.rt.catalog.get_kept(self.job.process_id, self.claim.execution))
        except (JobDismissed, RunStopped):
            raise
        except WeaverError as failure:
            error = failure
        except Exception as failure:  # any error of a runner, a disk or a package fails the job
            log.exception("job %s", self.job.id)
            error = RunFailed(f"{type(failure).__name__}: {failure}")
        finally:
            # Before the outcome is stored: a job that filled the store's disk leaves no room for it.
            clear_attempt(self.rt, self.workdir)
        return self.outcome(error) if ended else None

    def _perform(self, entry: CatalogEntry) -> bool:
        """Start the run; whether it has ended. Raises: WeaverError, JobDismissed, RunStopped; errors of a disk."""
        runner = self.rt.runner_of(entry.process)
        (self.workdir / "inputs").mkdir(parents=True)
        stager = Stager(
            self.rt.fetchers,
            self.rt.settings.limits.file_bytes,
            self.proceed,
            holds_file_objects=runner.holds_file_objects,
            passes_references=not runner.stages_inputs,
            limits=self.rt.settings.limits,
            own=OwnResults(self.rt, self.job.base_url),
        )
        if isinstance(runner, FollowedRunner):
            hand_over(self, entry, runner, stager)
            return False
        self._run_in_child(entry, runner, stager)
        return True

    def _run_in_child(self, entry: CatalogEntry, runner: Runner, stager: Stager) -> None:
        assert isinstance(runner, ChildRunner)
        self.staged = stager.stage(self.claim.execution, entry.validator, self.workdir)
        self.reporter.secrets.add(*self.staged.values_of(self.claim.execution.secrets))
        session = ChildSession(self.rt, self.claim, self.workdir, self._worker_link, self.reporter, self.proceed)
        try:
            outputs = session.run(self._children, runner, entry.process, self.staged.inputs, stager)
        finally:
            self.exit, self.traceback = session.exit or self.exit, session.traceback
        self.collect(outputs, entry.process)
