"""`Substeps`: the jobs that are steps of a running job, from their submission to their end."""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import SimpleQueue

from weaver_like.domain.errors import JobDismissed, NoSuchJob, RunFailed, Unavailable, WeaverError
from weaver_like.domain.events import StatusChanged
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Claim, Job, NewJob
from weaver_like.domain.messages import Answer, JobAccepted, JobEnded, RequestRefused, RunProcess
from weaver_like.domain.status import Status
from weaver_like.engines.base import WorkerLink
from weaver_like.jobs.control import dismiss_part
from weaver_like.jobs.exchange import Exchange
from weaver_like.jobs.helping import HelperLink
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.patience import patiently
from weaver_like.jobs.progress import Reporter, lease_end
from weaver_like.jobs.run import JobRun
from weaver_like.jobs.steps import clean_step
from weaver_like.jobs.submit import check_execution, keeping, new_job
from weaver_like.runtime import Runtime
from weaver_like.sandbox.children import Children

log = logging.getLogger(__name__)
#: Runs a claimed job to its end.
Execute = Callable[[Runtime, Claim, Children, WorkerLink], None]
#: Of one job at the same time: each has a thread that waits.
_MOST_OPEN = 200
#: The job that waits was let in; its steps are not refused because others wait.
_NO_LIMIT = 2**31
#: Shortest and longest pause between two looks at a job; in between a tenth of its age.
_SHORTEST_S, _LONGEST_S = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Helping:
    """How a worker runs a job that another one, which it holds, waits for. children: of the job that waits."""

    execute: Execute
    children: Children


class Substeps:
    """The steps of one job; at the exit of the context those end that have not ended: none outlives the job.

    Each is a job like any other, and any worker may take it. The worker that holds the job that waits helps: it takes
    a step that nobody has taken, one at a time, and runs it beside, with a child-maker of its own. So one worker is
    enough for any workflow.
    """

    def __init__(self, run: JobRun, link: WorkerLink, helping: Helping):
        self._run = run
        self._rt: Runtime = run.rt
        self._link = link
        self._helping = helping
        self._exchange = Exchange(run.rt, run.job, run.workdir)
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._helper = HelperLink(link, self._wake)
        self._free = threading.Lock()
        self._changed = threading.Condition()
        self._closing = False
        self._used = False
        self._waiting: dict[str, threading.Thread] = {}
        self._ended: SimpleQueue[JobEnded] = SimpleQueue()

    def fileno(self) -> int:
        """Becomes readable when `attend` has something to do."""
        return self._woken

    def _wake(self) -> None:
        os.eventfd_write(self._woken, 1)

    def begin(self, wanted: RunProcess) -> Answer:
        """Submit the job of a step. Raises: JobDismissed, RunStopped."""
        try:
            if len(self._waiting) >= _MOST_OPEN:
                raise RunFailed(f"expected at most {_MOST_OPEN} steps at a time that run processes")
            job = self._submit(wanted)
        except JobDismissed:
            raise
        except WeaverError as error:
            return RequestRefused(error.detail)
        self._used = True
        thread = threading.Thread(target=self._wait, args=(job,), name=f"step {job.id}", daemon=True)
        self._waiting[job.id] = thread
        thread.start()
        return JobAccepted(job.id)

    def _submit(self, wanted: RunProcess) -> Job:
        rt, parent = self._rt, self._run.job
        kept = Execution(version=wanted.version, deployed=wanted.deployed)
        entry = rt.catalog.get_kept(wanted.process_id, kept)
        execution = Execution(
            inputs=self._exchange.give(wanted.inputs, entry.process, self._run.proceed),
            priority=parent.priority,
            title=wanted.step.name[:200],
            reuse=self._run.claim.execution.reuse,
            awaited=parent.attempt,
        )
        check_execution(rt, entry, execution, OwnResults(rt, parent.base_url))
        job = new_job(rt, entry.process.id, execution, parent.children_origin, entry.process.unit.queue)
        self._tell(wanted, job.id, self._run.reporter)
        rt.store.jobs.add(NewJob(job, keeping(entry.process, execution)), _NO_LIMIT)
        self._link.submitted(job.id, job.queue)
        return job

    def _tell(self, wanted: RunProcess, job_id: str, reporter: Reporter) -> None:
        """The step is kept with its job before there is one: whoever ends this job without us finds it by that."""
        step = clean_step(replace(wanted.step, job=job_id), reporter.secrets)
        if step is not None:
            reporter.step(step)
            reporter.keep_steps()

    def attend(self) -> list[JobEnded]:
        """Pass on what the jobs of steps say and hear; those that have ended since the last call."""
        if not self._used:
            return []
        try:
            os.eventfd_read(self._woken)
        except BlockingIOError:
            pass
        ended = [self._ended.get() for _ in range(self._ended.qsize())]
        for one in ended:
            self._waiting.pop(one.job_id).join()
        self._helper.attend()  # after their last words
        return ended

    def __enter__(self) -> "Substeps":
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._closing = True
        self._notify()
        for job_id in self._waiting:
            self._dismiss(job_id)
        for thread in self._waiting.values():
            thread.join()
        self._helper.attend()
        self._helper.close()
        os.close(self._woken)
        if failure is not None:
            self._discard()

    def _dismiss(self, job_id: str) -> None:
        try:
            for job in patiently(lambda: list(dismiss_part(self._rt, job_id))):
                self._helper.dismiss(job.id)
                self._link.publish(StatusChanged(job.id, job.status, outbox=True))
        except Unavailable:  # it ends by itself: when it is claimed the next time, nobody waits for it
            log.error("job %s: the store stayed away; it could not be dismissed", job_id)
            self._helper.dismiss(job_id)

    def _discard(self) -> None:
        """Remove what was published for the steps."""
        try:
            for reference in self._exchange.published:
                self._rt.area.discard(reference)
        except Unavailable as error:
            log.warning("%s The files go with their job.", error.detail)

    def _wait(self, job: Job) -> None:
        """In a thread of its own: see to it that the job runs, and wait for its end."""
        try:
            ended = self._end_of(job)
        except Exception as error:
            log.exception("job %s, a step", job.id)
            ended = JobEnded(job.id, {}, f"{type(error).__name__}: {error}")
        self._ended.put(ended)
        self._wake()

    def _end_of(self, job: Job) -> JobEnded:
        born = time.monotonic()
        while not self._closing:
            try:
                found = self._rt.store.jobs.get(job.id)
                if found.status.final:
                    return self._told(found)
                if found.status is Status.ACCEPTED and self._help(job):
                    continue
            except NoSuchJob:
                return JobEnded(job.id, {}, f"job {job.id} was removed")
            except Unavailable:
                pass
            self._pause(min(_LONGEST_S, max(_SHORTEST_S, (time.monotonic() - born) / 10)))
        return JobEnded(job.id, {}, "the job that it is a step of has ended")

    def _pause(self, limit_s: float) -> None:
        """Until there is a reason to look again: a step that was run here has ended, or all must end."""
        with self._changed:
            if not self._closing:
                self._changed.wait(limit_s)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _help(self, job: Job) -> bool:
        """Run the job here, unless another one is run here, or another worker was first; whether it has run."""
        if not self._link.serves(job.queue) or not self._free.acquire(blocking=False):
            return False
        try:
            claim = self._rt.store.jobs.claim(job.id, self._run.job.worker or "", lease_end(self._rt))
            if claim is None:
                return False
            log.info("job %s of %s: attempt %s, beside its parent", job.id, job.process_id, claim.job.attempt)
            self._helping.execute(self._rt, claim, self._helping.children.helper, self._helper)
            return True
        finally:
            self._helper.forget(job.id)
            self._free.release()
            self._notify()

    def _told(self, job: Job) -> JobEnded:
        documents = self._rt.store.jobs.get_documents(job.id)
        if job.status is not Status.SUCCESSFUL:
            reason = documents.error.detail if documents.error else f"it was {job.status}"
            return JobEnded(job.id, {}, f"job {job.id}: {reason}")
        try:
            return JobEnded(job.id, self._exchange.bring(documents.results, self._proceed))
        except Unavailable:
            raise
        except WeaverError as error:
            return JobEnded(job.id, {}, f"job {job.id}: its results cannot be taken: {error.detail}")
        except OSError as error:
            return JobEnded(job.id, {}, f"job {job.id}: its results cannot be taken: {os.strerror(error.errno or 0)}")

    def _proceed(self) -> None:
        """Raises: RunFailed, when nobody waits any more."""
        if self._closing:
            raise RunFailed("the job that waits has ended")
