"""Reading results: which there are, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from weaver_like.domain.errors import (
    InvalidQueryParameter,
    NoSuchOutput,
    NoSuchProcess,
    OutputNotRequested,
    ResultNotAvailable,
    ResultNotReady,
)
from weaver_like.domain.execution import Execution, Transmission
from weaver_like.domain.job import Job, JobDocuments
from weaver_like.domain.process import Process
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.runtime import Runtime


@dataclass(frozen=True, slots=True)
class JobResults:
    """Results of a successful job. requested: ids of the outputs that the request wanted, described order."""

    job: Job
    execution: Execution
    requested: tuple[str, ...]
    results: tuple[Result, ...]

    def of(self, output: str) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.output == output)


def get_results(rt: Runtime, job: Job, only: Sequence[str] | None = None) -> JobResults:
    """The results of a job; `only` narrows them to some outputs (2.0: the query parameter `outputs`).

    Raises: ResultNotReady; the error of a failed job; ResultNotAvailable of a dismissed one, or if no output was wanted;
    InvalidQueryParameter, for an unknown output in `only`.
    Source: /req/core/job-results-exception/*, /req/core/job-results-failed.
    """
    return _results(rt, job, rt.store.jobs.get_documents(job.id), only)


def _results(rt: Runtime, job: Job, documents: JobDocuments, only: Sequence[str] | None) -> JobResults:
    if not job.status.final:
        raise ResultNotReady(f"Job '{job.id}' is {job.status}; its results are not ready.")
    if documents.error is not None:
        documents.error.job_id = job.id
        raise documents.error
    if job.status is not Status.SUCCESSFUL:
        raise ResultNotAvailable(f"Job '{job.id}' was {job.status}; it has no results.")
    requested = _requested(rt, job, documents.execution, documents.results)
    if documents.execution.outputs == {}:
        raise ResultNotAvailable(f"Job '{job.id}' was asked for no outputs; it has no results.")
    if only is not None:
        unknown = [name for name in only if name not in requested]
        if unknown:
            raise InvalidQueryParameter(f"outputs={','.join(unknown)}: this job has {', '.join(requested)}.")
        requested = tuple(name for name in requested if name in only)
    results = tuple(result for result in documents.results if result.output in requested)
    return JobResults(job, documents.execution, requested, results)


def get_output(rt: Runtime, job: Job, output: str) -> JobResults:
    """The results of one output alone.

    Raises: as `get_results`; NoSuchOutput (400) if the process has none of that name, OutputNotRequested (404) if the
    request did not want it, ResultNotAvailable if the run did not give it.
    """
    documents = rt.store.jobs.get_documents(job.id)
    process = _process(rt, job, documents.execution)
    if process is not None and output not in process.outputs:
        raise NoSuchOutput(
            f"Process '{job.process_id}' has no output '{output[:100]}'; it has: {', '.join(process.outputs)}."
        )
    found = _results(rt, job, documents, None)
    if output not in found.requested:
        raise OutputNotRequested(f"Output '{output[:100]}' was not requested from job '{job.id}'.")
    results = found.of(output)
    if not results:
        raise ResultNotAvailable(f"Job '{job.id}' gave no value for its output '{output}'.")
    return JobResults(job, found.execution, (output,), results)


def by_value(execution: Execution, result: Result, preference: str | None, limit_bytes: int) -> bool:
    """Whether a document holds a result by value: as asked; else by size, unless `return=representation` wants all.

    Source: 2.0 draft, /rec/core/process-execute-sync-many-json-prefer-*.
    """
    wanted = (execution.outputs or {}).get(result.output)
    if wanted is not None and wanted.transmission is not None:
        return wanted.transmission is Transmission.VALUE
    return preference == "representation" or result.size_bytes <= limit_bytes


def _requested(rt: Runtime, job: Job, execution: Execution, results: tuple[Result, ...]) -> tuple[str, ...]:
    """Of a process that is no longer offered what it gave is all that is known."""
    process = _process(rt, job, execution)
    known = list(process.outputs) if process else list(dict.fromkeys(result.output for result in results))
    return tuple(name for name in known if execution.outputs is None or name in execution.outputs)


def _process(rt: Runtime, job: Job, execution: Execution) -> Process | None:
    """The process as the job knew it; None if it is no longer offered."""
    try:
        return rt.catalog.get_kept(job.process_id, execution).process
    except NoSuchProcess:
        return None
