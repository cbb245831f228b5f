"""`JobRun`: one run of one job, in a child or elsewhere: its reports, its results, its end."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from weaver_like.domain.errors import JobDismissed, WeaverError
from weaver_like.domain.job import Claim, Outcome
from weaver_like.domain.masks import Secrets, clean
from weaver_like.domain.messages import RunOutput
from weaver_like.domain.process import Process
from weaver_like.domain.results import Result
from weaver_like.engines.base import Interruption, JobLink
from weaver_like.files.stage import Staged
from weaver_like.jobs.outputs import Place, collect_outputs, own_locations
from weaver_like.jobs.progress import Reporter
from weaver_like.observe.statistics import collect_statistics
from weaver_like.runtime import Runtime
from weaver_like.sandbox.messages import ChildExit
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.settings import Settings

#: The exit of a run that never had a child.
_NO_EXIT = ChildExit(0, None, 0.0, 0)


class RunStopped(Exception):
    """This process was told to stop: another one continues the run, or starts it again."""


class JobRun:
    """One run of one claimed job.

    Attributes:
        results: what was published so far, also of a run that fails half-way.
        staged: its inputs.
        exit: how its child ended.
        traceback: of a failure, without the frames of this server.
        began: `time.monotonic()` of its start.
    """

    def __init__(self, rt: Runtime, claim: Claim, link: JobLink, reporter: Reporter):
        self.rt = rt
        self.claim = claim
        self.job = claim.job
        self.link = link
        self.reporter = reporter
        self.results: list[Result] = []
        self.workdir: Path = rt.settings.work_dir / f"{claim.job.id}-{claim.job.attempt}"
        self.staged = Staged()
        self.exit = _NO_EXIT
        self.traceback: str | None = None
        self.began = time.monotonic()

    def proceed(self) -> None:
        """Called wherever the run may be stopped. Raises: JobDismissed, RunStopped."""
        reason = self.link.interruption(self.job.id)
        if reason is Interruption.DISMISSED:
            raise JobDismissed
        if reason is Interruption.STOPPED:
            raise RunStopped
        if time.monotonic() >= self.reporter.due and not self.reporter.flush():
            raise JobDismissed

    def collect(self, outputs: Mapping[str, RunOutput], process: Process) -> None:
        """Publish what was asked for. Raises: RunFailed; as `proceed`."""
        locations = own_locations(self.rt.settings, self.job.base_url)
        place = Place(self.rt.area, self.job.id, self.workdir, locations, self.proceed)
        collect_outputs(self.results, outputs, process, self.claim.execution, place)

    def outcome(self, error: WeaverError | None) -> Outcome:
        """How the run ended, with its statistics; the job's log says so too."""
        wall_s = time.monotonic() - self.began
        statistics = self._statistics(wall_s)
        if error is None:
            self.reporter.log(f"successful after {wall_s:.3f} s (attempt {self.job.attempt})")
            return Outcome(tuple(self.results), statistics=statistics)
        secrets = self.reporter.secrets
        masked = mask_error(error, secrets)
        self.reporter.log(masked.detail, logging.ERROR)
        self.reporter.log(f"failed after {wall_s:.3f} s (attempt {self.job.attempt})")
        traceback = clean(secrets.mask(self.traceback), 20000) if self.traceback else None
        return Outcome((), masked, traceback, statistics)

    def _statistics(self, wall_s: float) -> JsonObject:
        waited = (self.job.started or self.job.created) - self.job.created
        bytes_out: dict[str, int] = {}
        for result in self.results:
            bytes_out[result.output] = bytes_out.get(result.output, 0) + result.size_bytes
        return collect_statistics(
            queued_s=waited.total_seconds(),
            wall_s=wall_s,
            cpu_s=self.exit.cpu_s,
            peak_bytes=self.exit.peak_bytes,
            bytes_in=self.staged.bytes_in,
            bytes_out=bytes_out,
        )


def mask_error(error: WeaverError, secrets: Secrets) -> WeaverError:
    """Mask and shorten the texts of an error, so that a document may show it; the same error."""
    error.detail = clean(secrets.mask(error.detail), 10000)
    error.faults = tuple(replace(fault, detail=clean(secrets.mask(fault.detail), 1000)) for fault in error.faults)
    return error


def time_limit_s(settings: Settings, process: Process) -> float:
    """How long a process may run; 0: no limit."""
    return least(process.unit.time_limit_s, settings.jobs.time_limit_s)


def too_long(limit_s: float) -> str:
    """The message for a run that exceeded its time limit."""
    return f"The process exceeded its time limit of {limit_s:g} s."


def least(*limits: float) -> float:
    """The smallest limit; 0 means no limit."""
    return min((limit for limit in limits if limit), default=0)
