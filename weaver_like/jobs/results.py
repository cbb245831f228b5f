"""Reading results: which ones there are, or why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from weaver_like.domain.errors import (
    InvalidQueryParameter,
    NoSuchOutput,
    NoSuchProcess,
    NotFound,
    OutputNotRequested,
    ResultNotAvailable,
    ResultNotReady,
)
from weaver_like.domain.execution import Execution
from weaver_like.domain.fileobjects import is_folder
from weaver_like.domain.formats import is_json
from weaver_like.domain.job import Job, JobDocuments
from weaver_like.domain.process import Process, Transmission
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.runtime import Runtime
from weaver_like.schemas.jsontext import dumps


@dataclass(frozen=True, slots=True)
class JobResults:
    """Results of a successful job.

    Args:
        requested: ids of the outputs that the execute request asked for, in the order of the description.
    """

    job: Job
    execution: Execution
    requested: tuple[str, ...]
    results: tuple[Result, ...]

    def of(self, output: str) -> tuple[Result, ...]:
        """The results of one output: several, if it has several files."""
        return tuple(result for result in self.results if result.output == output)


def get_results(rt: Runtime, job: Job, only: Sequence[str] | None = None) -> JobResults:
    """The results of a job; `only` narrows them to some outputs (2.0: the query parameter `outputs`).

    Raises: ResultNotReady; the error of a failed job; ResultNotAvailable, if the job was dismissed or asked for no
    outputs; InvalidQueryParameter, for an output in `only` that was not requested.
    Source: /req/core/job-results-exception/*, /req/core/job-results-failed.
    """
    return _results(rt, job, rt.store.jobs.get_documents(job.id), only)


def _results(rt: Runtime, job: Job, documents: JobDocuments, only: Sequence[str] | None) -> JobResults:
    _refuse_unsuccessful(job, documents)
    requested = _requested(rt, job, documents.execution, documents.results)
    if documents.execution.outputs == {}:
        raise ResultNotAvailable(f"Job '{job.id}' asked for no outputs; it has no results.")
    if only is not None:
        unknown = [name for name in only if name not in requested]
        if unknown:
            known = ", ".join(requested)
            raise InvalidQueryParameter(f"outputs: expected one of {known}, got '{', '.join(unknown)}'.")
        requested = tuple(name for name in requested if name in only)
    results = tuple(result for result in documents.results if result.output in requested)
    return JobResults(job, documents.execution, requested, results)


def _refuse_unsuccessful(job: Job, documents: JobDocuments) -> None:
    if not job.status.final:
        raise ResultNotReady(f"Job '{job.id}' is {job.status}; its results are not ready.")
    if documents.error is not None:
        documents.error.job_id = job.id
        raise documents.error
    if job.status is not Status.SUCCESSFUL:
        raise ResultNotAvailable(f"Job '{job.id}' was {job.status}; it has no results.")


def get_output(rt: Runtime, job: Job, path: str) -> tuple[JobResults, str]:
    """The results of the one output whose id a path begins with, and the rest of the path.

    Ids may have slashes, which look like those of the path once it is decoded: the longest id counts.

    Raises: as `get_results`; NoSuchOutput (400), if the process has no such output; OutputNotRequested (404), if the
    execute request did not ask for it; ResultNotAvailable, if the run did not produce it.
    """
    documents = rt.store.jobs.get_documents(job.id)
    process = _process(rt, job, documents.execution)
    known = _outputs(process, documents.results)
    fitting = [name for name in known if path == name or path.startswith(f"{name}/")]
    output = max(fitting, key=len, default=path.partition("/")[0])
    if process is not None and output not in known:
        has = ", ".join(known)
        raise NoSuchOutput(f"Process '{job.process_id}' has no output '{output[:100]}'; it has: {has}.")
    found = _results(rt, job, documents, None)
    if output not in found.requested:
        raise OutputNotRequested(f"Output '{output[:100]}' was not requested from job '{job.id}'.")
    results = found.of(output)
    if not results:
        raise ResultNotAvailable(f"Job '{job.id}' did not produce its output '{output}'.")
    return JobResults(job, found.execution, (output,), results), path[len(output) + 1 :]


def is_array(found: JobResults) -> bool:
    """Whether a single output has items: several results, or a JSON array as its value."""
    first = found.results[0]
    return first.index is not None or isinstance(first.value, list)


def get_item(found: JobResults, index: int) -> JobResults:
    """One item of an output for which `is_array` is true. Raises: NotFound."""
    first = found.results[0]
    if first.index is None:
        items = _items(first, index)
    else:
        items = [result for result in found.results if result.index == index]
    if not items:
        raise NotFound(f"Output '{first.output}' has no item {index}; the first one is 0.")
    return JobResults(found.job, found.execution, found.requested, tuple(items))


def _items(result: Result, index: int) -> list[Result]:
    """The item of a JSON array at an index, or nothing."""
    values = cast(list[object], result.value)[index : index + 1]
    references = tuple(where[1:] for where in result.references if where[0] == index)
    return [
        replace(result, value=value, size_bytes=len(dumps(value)), index=index, references=references)
        for value in values
    ]


def by_value(execution: Execution, result: Result, preference: str | None, limit_bytes: int) -> bool:
    """Whether a document holds a result by value: as the execute request says, or else by size.

    Args:
        preference: `return` of the Prefer header; "representation" puts everything by value.
        limit_bytes: larger results are links.
    Source: 2.0 draft, /rec/core/process-execute-sync-many-json-prefer-*.
    """
    request = (execution.outputs or {}).get(result.output)
    if request is not None and request.transmission is not None:
        return request.transmission is Transmission.VALUE
    if is_folder(result.value) and not is_json(result.format.media_type):
        return False  # an archive, which is made when it is read
    return preference == "representation" or result.size_bytes <= limit_bytes


def _requested(rt: Runtime, job: Job, execution: Execution, results: tuple[Result, ...]) -> tuple[str, ...]:
    """The requested outputs. If the process is no longer offered, only those that have results are known."""
    known = _outputs(_process(rt, job, execution), results)
    if execution.outputs is None:
        return known
    return tuple(name for name in known if name in execution.outputs)


def _outputs(process: Process | None, results: tuple[Result, ...]) -> tuple[str, ...]:
    """Ids of outputs, in the order of the description."""
    if process is not None:
        return tuple(process.outputs)
    return tuple(dict.fromkeys(result.output for result in results))


def _process(rt: Runtime, job: Job, execution: Execution) -> Process | None:
    """The process as the job knew it; None if it is no longer offered."""
    try:
        return rt.catalog.get_kept(job.process_id, execution).process
    except NoSuchProcess:
        return None
