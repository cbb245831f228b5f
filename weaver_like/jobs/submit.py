"""`submit_job`: check an execute request against its process, keep the job, hand it to the engine."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from weaver_like.domain.errors import Fault, FetchFailed, InvalidInput, MissingInput, NoSuchProcess
from weaver_like.domain.execution import Execution
from weaver_like.domain.fileobjects import find_objects, location_of, trouble_of
from weaver_like.domain.ids import new_job_id
from weaver_like.domain.job import DEFAULT_QUEUE, Follower, Job, NewJob
from weaver_like.domain.prefer import Mode, Preferences, choose_mode
from weaver_like.domain.process import Process
from weaver_like.domain.status import Status
from weaver_like.domain.values import Reference
from weaver_like.files.stage import find_fetcher
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runtime import Runtime
from weaver_like.schemas.execute import describe_faults, parse_execute

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submission:
    """An execute request on its way in, and how its sender wants to be answered."""

    process: Process
    execution: Execution
    mode: Mode


def check_submission(rt: Runtime, process_id: str, document: object, preferences: Preferences) -> Submission:
    """Read and check an execute request; nothing is kept yet.

    Raises: NoSuchProcess; InvalidInput or MissingInput with every fault; FetchFailed, for addresses that are refused.
    Source: /req/core/process-execute-request, -input-validation.
    """
    entry = rt.catalog.get(process_id)
    execution = keeping(entry, replace(parse_execute(document, entry.process), return_preference=preferences.return_))
    check_execution(rt, entry, execution)
    limit_s = rt.settings.jobs.sync_limit_s
    mode = choose_mode(preferences, entry.process.sync, entry.process.asynchronous, limit_s, execution.mode)
    return Submission(entry.process, execution, mode)


def keeping(entry: CatalogEntry, execution: Execution) -> Execution:
    """An execution that was checked against an offer keeps to that revision."""
    process = entry.process
    return replace(execution, version=process.version, deployed=process.deployed) if process.mutable else execution


def check_execution(rt: Runtime, entry: CatalogEntry, execution: Execution) -> None:
    """Raises: as `check_submission`."""
    faults = entry.validator.faults(execution)
    if execution.priority is not None and execution.priority >= rt.settings.engine.priority_levels:
        faults.append(
            Fault(
                "/priority", f"{execution.priority} was got; levels are 0 to {rt.settings.engine.priority_levels - 1}"
            )
        )
    if faults:
        missing = all(fault.detail.startswith("this input is required") for fault in faults)
        kind = MissingInput if missing else InvalidInput
        raise kind(describe_faults(f"The request to execute '{entry.process.id}'", faults), faults=faults)
    _check_addresses(rt, execution, entry.process.unit.holds_files)


def _check_addresses(rt: Runtime, execution: Execution, objects: bool) -> None:
    for given in execution.inputs.values():
        for item, pointer in zip(given.items, given.pointers, strict=True):
            if isinstance(item, Reference):
                _check_address(rt, item.href, f"{pointer}/href")
            elif objects:
                for entry in find_objects(item.data):
                    _check_object(rt, entry, pointer)
    subscriber = execution.subscriber
    uris = (subscriber.success_uri, subscriber.in_progress_uri, subscriber.failed_uri) if subscriber else ()
    for uri in filter(None, uris):
        try:
            rt.notifier.check(uri)
        except FetchFailed as error:
            raise InvalidInput(f"Subscriber: {error.detail}", faults=[Fault("/subscriber", error.detail)]) from error


def _check_object(rt: Runtime, entry: dict, pointer: str) -> None:
    trouble = trouble_of(entry)
    if trouble:
        raise InvalidInput(f"The request is not valid: {pointer}: {trouble}.", faults=[Fault(pointer, trouble)])
    if location_of(entry):
        _check_address(rt, location_of(entry), pointer)


def _check_address(rt: Runtime, uri: str, pointer: str) -> None:
    try:
        find_fetcher(rt.fetchers, uri).check(uri)
    except FetchFailed as error:
        raise FetchFailed(error.detail, faults=[Fault(pointer, error.detail)]) from error


def new_job(rt: Runtime, process_id: str, execution: Execution, base_url: str, parent_id: str | None = None) -> Job:
    """A job record that is not kept yet."""
    now = datetime.now(UTC)
    levels = rt.settings.engine.priority_levels
    priority = levels // 2 if execution.priority is None else execution.priority
    return Job(
        new_job_id(),
        process_id,
        Status.ACCEPTED,
        now,
        now,
        priority=priority,
        parent_id=parent_id,
        title=execution.title,
        base_url=base_url,
        queue=_queue_of(rt, process_id),
    )


def _queue_of(rt: Runtime, process_id: str) -> str:
    """Of a process that is not offered any more a job fails, on whatever worker."""
    try:
        return rt.catalog.get(process_id).process.unit.queue
    except NoSuchProcess:
        return DEFAULT_QUEUE


def submit_job(rt: Runtime, job: Job, execution: Execution, followers: tuple[Follower, ...] = ()) -> None:
    """Keep the job and wake the engine; the job is safe when this returns. Raises: ServerBusy."""
    rt.jobs.add(NewJob(job, execution, followers), rt.settings.limits.queue)
    log.debug("job %s of %s accepted", job.id, job.process_id)
    if rt.engine is not None:
        rt.engine.submit(job.id, job.queue)
