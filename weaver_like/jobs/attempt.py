"""`Attempt`: one attempt at one job: stage its inputs, run it in a child, collect its outputs."""

import logging
import time
from dataclasses import replace
from pathlib import Path

from weaver_like.domain.errors import JobDismissed, RunFailed, WeaverError
from weaver_like.domain.job import Claim, Outcome
from weaver_like.domain.masks import clean
from weaver_like.domain.results import Result
from weaver_like.engines.base import Interruption, WorkerLink
from weaver_like.files.stage import Staged, Stager
from weaver_like.jobs.childsession import ChildSession
from weaver_like.jobs.outputs import Place, collect_outputs, own_locations
from weaver_like.jobs.progress import Reporter
from weaver_like.jobs.recover import clear_attempt
from weaver_like.observe.statistics import collect_statistics
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runtime import Runtime
from weaver_like.sandbox.children import Children
from weaver_like.sandbox.messages import ChildExit
from weaver_like.schemas.jsontext import JsonObject

log = logging.getLogger(__name__)
#: Of a run that never had a child.
_NO_EXIT = ChildExit(0, None, 0.0, 0)


class WorkerStopped(Exception):
    """The worker was told to stop at once: the job goes back into the queue."""


class Attempt:
    """One attempt at one job. results: what was published so far, also of an attempt that fails half-way."""

    def __init__(self, rt: Runtime, claim: Claim, children: Children, link: WorkerLink):
        self.rt = rt
        self.claim = claim
        self.job = claim.job
        self.link = link
        self.reporter = Reporter(rt, claim, link)
        self.results: list[Result] = []
        self.workdir: Path = rt.settings.work_dir / f"{claim.job.id}-{claim.job.attempt}"
        self._children = children
        self._began = time.monotonic()
        self._staged = Staged()
        self._exit = _NO_EXIT
        self._traceback: str | None = None

    def run(self) -> Outcome:
        """Run to the end, or to the failure. Raises: JobDismissed, WorkerStopped."""
        self.reporter.started()
        error: WeaverError | None = None
        try:
            self._perform(self.rt.catalog.get_kept(self.job.process_id, self.claim.execution))
        except (JobDismissed, WorkerStopped):
            raise
        except WeaverError as failure:
            error = failure
        except Exception as failure:  # whatever a runner, a disk or a package does is a failed job
            log.exception("job %s", self.job.id)
            error = RunFailed(f"{type(failure).__name__}: {failure}")
        finally:
            # Now, not when the end of the job is kept: a job that filled the disk of the store leaves no room for that.
            clear_attempt(self.rt, self.workdir)
        return self._outcome(error)

    def _perform(self, entry: CatalogEntry) -> None:
        """Raises: WeaverError, JobDismissed, WorkerStopped; whatever a disk raises."""
        (self.workdir / "inputs").mkdir(parents=True)
        runner = self.rt.runner_of(entry.process)
        stager = Stager(self.rt.fetchers, self.rt.settings.limits.file_bytes, self.proceed)
        self._staged = stager.stage(self.claim.execution, entry.validator, self.workdir, runner.holds_file_objects)
        session = ChildSession(self.rt, self.claim, self.workdir, self.link, self.reporter, self.proceed)
        try:
            outputs = session.run(self._children, entry.process, self._staged.inputs, stager)
        finally:
            self._exit, self._traceback = session.exit or _NO_EXIT, session.traceback
        locations = own_locations(self.rt.settings, self.job.base_url)
        place = Place(self.rt.area, self.job.id, self.workdir, locations, self.proceed)
        collect_outputs(self.results, outputs, entry.process, self.claim.execution, place)

    def proceed(self) -> None:
        """Called wherever the job may be stopped. Raises: JobDismissed, WorkerStopped."""
        reason = self.link.interruption(self.job.id)
        if reason is Interruption.DISMISSED:
            raise JobDismissed
        if reason is Interruption.STOPPED:
            raise WorkerStopped
        if time.monotonic() >= self.reporter.due and not self.reporter.flush():
            raise JobDismissed

    def _outcome(self, error: WeaverError | None) -> Outcome:
        wall_s = time.monotonic() - self._began
        statistics = self._statistics(wall_s)
        if error is None:
            self.reporter.log(f"successful after {wall_s:.3f} s (attempt {self.job.attempt})")
            return Outcome(tuple(self.results), statistics=statistics)
        masked = mask_error(error)
        self.reporter.log(masked.detail, logging.ERROR)
        self.reporter.log(f"failed after {wall_s:.3f} s (attempt {self.job.attempt})")
        traceback = clean(self._traceback, 20000) if self._traceback else None
        return Outcome((), masked, traceback, statistics)

    def _statistics(self, wall_s: float) -> JsonObject:
        waited = (self.job.started or self.job.created) - self.job.created
        bytes_out: dict[str, int] = {}
        for result in self.results:
            bytes_out[result.output] = bytes_out.get(result.output, 0) + result.size_bytes
        return collect_statistics(
            queued_s=waited.total_seconds(),
            wall_s=wall_s,
            cpu_s=self._exit.cpu_s,
            peak_bytes=self._exit.peak_bytes,
            bytes_in=self._staged.bytes_in,
            bytes_out=bytes_out,
        )


def mask_error(error: WeaverError) -> WeaverError:
    """The same error, as a document may show it: foreign texts are masked and shortened."""
    error.detail = clean(error.detail, 10000)
    error.faults = tuple(replace(fault, detail=clean(fault.detail, 1000)) for fault in error.faults)
    return error
