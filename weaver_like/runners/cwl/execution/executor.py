"""Runs the steps of a workflow, as many at once as there is room for."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cwl_utils.types import CWLObjectType
from cwltool.executors import JobsType, MultithreadedJobExecutor, SingleJobExecutor
from cwltool.job import JobBase
from cwltool.mutation import MutationManager
from cwltool.process import Process

from weaver_like.runners.cwl.execution.job import JobContext
from weaver_like.runners.cwl.execution.resources import Allowed, select


class _Bare:
    """Outputs stay where the steps left them: they are published from there."""

    def execute(
        self, process: Process, job_order_object: CWLObjectType, runtime_context: JobContext, logger: logging.Logger
    ) -> tuple[Any, str]:
        self.final_output, self.final_status = [], []
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

    parallel: as many, if each takes one core; 0: as the cores that are allowed.
    """

    def __init__(self, parallel: int, allowed: Allowed):
        super().__init__(parallel)
        most = allowed.most()
        self.max_cores, self.max_ram = float(parallel or most["cores"]), most["ram"]

    def select_resources(self, request: dict[str, int | float], runtime_context: JobContext) -> dict[str, int | float]:
        """Of expressions; tools ask by themselves."""
        return select(request, set(), runtime_context.allowed)

    def run_jobs(
        self, process: Process, job_order_object: CWLObjectType, logger: logging.Logger, runtime_context: JobContext
    ) -> None:
        """cwltool holds the lock while it asks for the next job; when that fails it waits for the other steps, which want the lock to end."""
        super().run_jobs(_LettingGo(process), job_order_object, logger, runtime_context)

    def wait_for_next_completion(self, runtime_context: JobContext) -> None:
        """Raises: WorkflowException of a step."""
        with _letting_go(runtime_context):
            super().wait_for_next_completion(runtime_context)

    def run_job(self, job: JobsType | None, runtime_context: JobContext) -> None:
        """A step that takes more than there is for all of them runs alone."""
        if isinstance(job, JobBase):
            job.builder.resources["cores"] = min(job.builder.resources["cores"], self.max_cores)
        super().run_job(job, runtime_context)


class _LettingGo:
    """A process as the executor asks it for jobs."""

    def __init__(self, process: Process):
        self._process = process

    def job(self, order: CWLObjectType, callback: Callable, context: JobContext) -> Iterator[JobsType | None]:
        jobs = self._process.job(order, callback, context)
        while True:
            with _letting_go(context):
                try:
                    job = next(jobs)
                except StopIteration:
                    return
            yield job


@contextmanager
def _letting_go(context: JobContext) -> Iterator[None]:
    """Let the lock go when something is raised."""
    try:
        yield
    except BaseException:
        context.workflow_eval_lock.release()
        raise
