"""Runs the steps of a workflow, as many at once as there is room for."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from cwl_utils.types import CWLObjectType
from cwltool.context import RuntimeContext
from cwltool.executors import JobExecutor, MultithreadedJobExecutor, SingleJobExecutor
from cwltool.job import JobBase
from cwltool.mutation import MutationManager
from cwltool.process import Process
from cwltool.utils import JobsGeneratorType, JobsType, OutputCallbackType

from weaver_like.runners.cwl.execution.context import eval_lock, job_context
from weaver_like.runners.cwl.execution.resources import Allowed, Resources, select


class _Bare(JobExecutor):
    """Outputs stay where the steps left them: they are published from there."""

    def execute(
        self,
        process: Process,
        job_order_object: CWLObjectType,
        runtime_context: RuntimeContext,
        logger: logging.Logger = logging.getLogger("cwltool"),
    ) -> tuple[CWLObjectType | None, str]:
        self.final_output = []
        self.final_status = []
        context = runtime_context.copy()
        context.mutation_manager = MutationManager()
        context.toplevel = True
        context.workflow_eval_lock = threading.Condition(threading.RLock())
        self.run_jobs(process, job_order_object, logger, context)
        if self.final_output and self.final_status:
            return self.final_output[0], self.final_status[0]
        return None, "permanentFail"


class ToolExecutor(_Bare, SingleJobExecutor):
    """For one tool: no threads."""


class WorkflowExecutor(_Bare, MultithreadedJobExecutor):
    """For workflows: steps that do not wait for each other run at the same time.

    parallel: how many, if each takes one core; 0: as many as cores are allowed.
    """

    def __init__(self, parallel: int, allowed: Allowed):
        super().__init__(parallel)
        most = allowed.most()
        self.max_cores = float(parallel or most["cores"])
        self.max_ram = int(most["ram"])

    def select_resources(self, request: Resources, runtime_context: RuntimeContext) -> Resources:
        """Of expressions; tools ask by themselves."""
        return select(request, set(), job_context(runtime_context).scope.allowed)

    def run_jobs(
        self,
        process: Process,
        job_order_object: CWLObjectType,
        logger: logging.Logger,
        runtime_context: RuntimeContext,
    ) -> None:
        """Release the lock when cwltool fails to get the next job: it waits for steps that need the lock to end."""
        releasing = cast(Process, _Releasing(process))  # it is asked for jobs, and for nothing else
        super().run_jobs(releasing, job_order_object, logger, runtime_context)

    def wait_for_next_completion(self, runtime_context: RuntimeContext) -> None:
        """Raises: WorkflowException of a step."""
        with _released_on_error(runtime_context):
            super().wait_for_next_completion(runtime_context)

    def run_job(self, job: JobsType | None, runtime_context: RuntimeContext) -> None:
        """A step that takes more than there is for all of them runs alone."""
        if isinstance(job, JobBase):
            job.builder.resources["cores"] = min(job.builder.resources["cores"], self.max_cores)
        super().run_job(job, runtime_context)


class _Releasing:
    """A process as the executor asks it for jobs; it releases the lock when that fails."""

    def __init__(self, process: Process):
        self._process = process

    def job(self, order: CWLObjectType, callback: OutputCallbackType, context: RuntimeContext) -> JobsGeneratorType:
        jobs = self._process.job(order, callback, context)
        while True:
            with _released_on_error(context):
                try:
                    job = next(jobs)
                except StopIteration:
                    return
            yield job


@contextmanager
def _released_on_error(context: RuntimeContext) -> Iterator[None]:
    """Release the lock when something is raised."""
    try:
        yield
    except BaseException:
        eval_lock(context).release()
        raise
