"""`Attempt`: a worker's attempt at one job: stages its inputs, then runs it in a child or in a foreign system."""

import logging
from collections.abc import Mapping
from functools import partial

from weaver_like.domain.errors import JobDismissed, NoSuchJob, RunFailed, Unavailable, WeaverError
from weaver_like.domain.job import Claim, Move, Outcome
from weaver_like.domain.messages import RunOutput
from weaver_like.domain.process import Process
from weaver_like.domain.status import Status
from weaver_like.engines.base import WorkerLink
from weaver_like.files.stage import Stager
from weaver_like.jobs.childsession import ChildSession
from weaver_like.jobs.exchange import GivenFiles
from weaver_like.jobs.finish import finish
from weaver_like.jobs.handover import hand_over
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.recover import clear_attempt
from weaver_like.jobs.run import JobRun, RunStopped
from weaver_like.jobs.substeps import Helping, Substeps
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runners.base import ChildRunner, FollowedRunner, Runner
from weaver_like.runtime import Runtime
from weaver_like.sandbox.messages import ChildExit

log = logging.getLogger(__name__)


class Attempt(JobRun):
    """One attempt at one job. helping: how jobs are run beside it that it waits for."""

    def __init__(self, rt: Runtime, claim: Claim, link: WorkerLink, helping: Helping):
        super().__init__(rt, claim, link, Reporter(rt, claim, link))
        self._helping = helping
        self._worker_link = link
        self._runner: Runner | None = None
        self._outcome: Outcome | None = None
        #: Its outcome is stored; it goes on in a foreign system.
        self._kept = self._goes_on = False

    def run(self) -> Outcome | None:
        """Run the job; its outcome. None if that is kept already, or the job goes on in a foreign system.

        Raises: JobDismissed, RunStopped.
        """
        self._check_awaited()
        self.reporter.started()
        error = None
        try:
            self._perform(self.rt.catalog.get_kept(self.job.process_id, self.claim.execution))
        except (JobDismissed, RunStopped):
            raise
        except WeaverError as failure:
            error = failure
        except Exception as failure:  # any error of a runner, a disk or a package fails the job
            log.exception("job %s", self.job.id)
            error = RunFailed(f"{type(failure).__name__}: {failure}")
        finally:
            # If the outcome is not kept yet, then before: a job that filled the store's disk leaves no room for it.
            clear_attempt(self.rt, self.workdir, self._runner)
        if self._goes_on or self._kept:
            return None
        return self._outcome or self.outcome(error)

    def _check_awaited(self) -> None:
        """Raises: JobDismissed, if this is a step of a job that does not run any more, or runs in another attempt."""
        awaited = self.claim.execution.awaited
        if awaited is None:
            return
        try:
            parent = self.rt.store.jobs.get(self.job.parent_id or "")
            if parent.status is Status.RUNNING and parent.attempt == awaited:
                return
        except NoSuchJob:
            pass
        self.rt.store.jobs.move(self.job.id, Move(Status.DISMISSED, self.job.attempt, "No job waits for it any more."))
        raise JobDismissed

    def _perform(self, entry: CatalogEntry) -> None:
        """Start the run. Raises: WeaverError, JobDismissed, RunStopped; errors of a disk."""
        runner = self._runner = self.rt.runner_of(entry.process)
        (self.workdir / "inputs").mkdir(parents=True)
        stager = Stager(
            self.rt.fetchers,
            self.rt.settings.limits.file_bytes,
            self.proceed,
            holds_file_objects=runner.holds_file_objects,
            passes_references=not runner.stages_inputs,
            limits=self.rt.settings.limits,
            own=self._own(),
        )
        if isinstance(runner, FollowedRunner):
            hand_over(self, entry, runner, stager)
            self._goes_on = True
        else:
            self._run_in_child(entry, runner, stager)

    def _own(self) -> OwnResults:
        """Inputs that lie on this server."""
        if self.claim.execution.awaited is None:
            return OwnResults(self.rt, self.job.base_url)
        return GivenFiles(self.rt, self.job)

    def _run_in_child(self, entry: CatalogEntry, runner: Runner, stager: Stager) -> None:
        assert isinstance(runner, ChildRunner)
        self.staged = stager.stage(self.claim.execution, entry.validator, self.workdir)
        self.reporter.secrets.add(*self.staged.values_of(self.claim.execution.secrets))
        with Substeps(self, self._worker_link, self._helping) as substeps:
            session = ChildSession(self, self._worker_link, substeps, partial(self._keep, entry.process))
            try:
                outputs = session.run(self._helping.children, runner, entry.process, self.staged.inputs, stager)
            finally:
                self.exit, self.traceback = session.exit or self.exit, session.traceback
        if self._outcome is None:
            self.collect(outputs, entry.process)

    def _keep(self, process: Process, outputs: Mapping[str, RunOutput], exit: ChildExit) -> bool:
        """Keep the outcome while the child is still ending; False: it must be kept later.

        Raises: RunFailed; as `proceed`.
        """
        self.collect(outputs, process)
        self.exit = exit
        self._outcome = self.outcome(None)
        try:
            finish(self, self._outcome, waits=False)
        except Unavailable:
            return False
        self._kept = True
        return True
