"""`check_execution`, `submit_job`: check an execution against its process, store the job, wake the engine."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from weaver_like.domain.errors import Fault, FaultKind, FetchFailed, InvalidInput, MissingInput, NoSuchProcess
from weaver_like.domain.execution import Execution, OutputRequest
from weaver_like.domain.fileobjects import find_objects, location_of, trouble_of
from weaver_like.domain.ids import new_job_id
from weaver_like.domain.job import DEFAULT_QUEUE, Follower, Job, NewJob, Origin
from weaver_like.domain.process import Process
from weaver_like.domain.status import Status
from weaver_like.domain.values import Reference
from weaver_like.files.stage import find_fetcher
from weaver_like.jobs.own import OwnResults
from weaver_like.processes.catalog import CatalogEntry
from weaver_like.runtime import Runtime
from weaver_like.schemas.inputs import parse_inputs
from weaver_like.schemas.shape import describe_faults
from weaver_like.schemas.validators import ProcessValidator

log = logging.getLogger(__name__)


def keeping(process: Process, execution: Execution) -> Execution:
    """Bind an execution to the revision of a deployed process that it is checked against, and to its secret inputs.

    What its description says of a request that leaves something out is in it from now on: default values, and how
    outputs are transmitted.
    """
    execution = replace(execution, secrets=process.secret_inputs)
    if not process.mutable:
        return execution
    defaults = {name: port.default for name, port in process.inputs.items() if port.default is not None}
    left_out = {name: value for name, value in defaults.items() if name not in execution.inputs}
    return replace(
        execution,
        inputs=execution.inputs | parse_inputs(left_out, process),
        outputs=_transmitted(process, execution.outputs),
        version=process.version,
        deployed=process.deployed,
    )


def _transmitted(process: Process, outputs: dict[str, OutputRequest] | None) -> dict[str, OutputRequest] | None:
    """Requests for outputs that leave open how, for a process that knows one way only."""
    if len(process.output_transmission) > 1:
        return outputs
    asked = dict.fromkeys(process.outputs, OutputRequest()) if outputs is None else outputs
    (only,) = process.output_transmission
    return {name: replace(request, transmission=request.transmission or only) for name, request in asked.items()}


def check_execution(rt: Runtime, entry: CatalogEntry, execution: Execution, own: OwnResults) -> None:
    """Check an execution against its process; nothing is kept. own: results that its links may lead to.

    Raises: InvalidInput or MissingInput, with every fault; FetchFailed, for addresses that are refused.
    Source: /req/core/process-execute-request, -input-validation.
    """
    faults = entry.validator.faults(execution)
    levels = rt.settings.engine.priority_levels
    if execution.priority is not None and execution.priority >= levels:
        faults.append(Fault("/priority", f"expected a level from 0 to {levels - 1}, got {execution.priority}"))
    if faults:
        missing = all(fault.kind is FaultKind.REQUIRED for fault in faults)
        kind = MissingInput if missing else InvalidInput
        raise kind(describe_faults(f"The request to execute '{entry.process.id}'", faults), faults=faults)
    for address in _addresses(execution, entry.validator, rt.runner_of(entry.process).holds_file_objects):
        _check_address(rt, address, own)
    _check_subscriber(rt, execution)


@dataclass(frozen=True, slots=True)
class _Address:
    """An address that an input names. pointer: of where it stands in the request."""

    uri: str
    pointer: str
    is_folder: bool


def _addresses(execution: Execution, validator: ProcessValidator, holds_files: bool) -> Iterator[_Address]:
    """Yield every address that an input names.

    Raises: InvalidInput, for a malformed file object.
    """
    for name, given in execution.inputs.items():
        for item, pointer in zip(given.items, given.pointers, strict=True):
            if isinstance(item, Reference):
                yield _Address(item.href, f"{pointer}/href", validator.inputs[name].wants_folder(item))
            elif holds_files:
                yield from _locations(item.data, pointer)


def _locations(value: object, pointer: str) -> Iterator[_Address]:
    for entry in find_objects(value):
        trouble = trouble_of(entry)
        if trouble:
            raise InvalidInput(f"The request is not valid: {pointer}: {trouble}.", faults=[Fault(pointer, trouble)])
        location = location_of(entry)
        if location:
            yield _Address(location, pointer, entry["class"] == "Directory")


def _check_address(rt: Runtime, address: _Address, own: OwnResults) -> None:
    try:
        fetcher = own if own.owns(address.uri) else find_fetcher(rt.fetchers, address.uri)
        check = fetcher.check_folder if address.is_folder else fetcher.check
        check(address.uri)
    except FetchFailed as error:
        raise FetchFailed(error.detail, faults=[Fault(address.pointer, error.detail)]) from error


def _check_subscriber(rt: Runtime, execution: Execution) -> None:
    subscriber = execution.subscriber
    if subscriber is None:
        return
    for uri in (subscriber.success_uri, subscriber.in_progress_uri, subscriber.failed_uri):
        try:
            if uri:
                rt.notifier.check(uri)
        except FetchFailed as error:
            raise InvalidInput(f"Subscriber: {error.detail}", faults=[Fault("/subscriber", error.detail)]) from error


def new_job(rt: Runtime, process_id: str, execution: Execution, origin: Origin, queue: str) -> Job:
    """A new job, which is not in the store yet."""
    now = datetime.now(UTC)
    priority = execution.priority
    if priority is None:
        priority = rt.settings.engine.priority_levels // 2
    return Job(
        new_job_id(),
        process_id,
        Status.ACCEPTED,
        created=now,
        updated=now,
        priority=priority,
        parent_id=origin.parent_id,
        title=execution.title,
        base_url=origin.base_url,
        queue=queue,
        owner=origin.owner,
        visibility=origin.visibility,
    )


def queue_of(rt: Runtime, process_id: str) -> str:
    """The queue in which jobs of a process wait. Jobs of a process that is no longer offered fail on any worker."""
    try:
        return rt.catalog.get(process_id).process.unit.queue
    except NoSuchProcess:
        return DEFAULT_QUEUE


def submit_job(rt: Runtime, job: Job, execution: Execution, followers: tuple[Follower, ...] = ()) -> None:
    """Keep the job and wake the engine; the job is safe when this returns. Raises: ServerBusy."""
    rt.store.jobs.add(NewJob(job, execution, followers), rt.settings.limits.queue)
    log.debug("job %s of %s accepted", job.id, job.process_id)
    if rt.engine is not None:
        rt.engine.submit(job.id, job.queue)
