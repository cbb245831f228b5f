"""Making and removing schedules."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from weaver_like.domain.errors import Fault, FetchFailed, InvalidInput, NoSuchProcess, NoSuchSchedule
from weaver_like.domain.events import SchedulesChanged
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Origin
from weaver_like.domain.schedule import Schedule, ScheduleRequest
from weaver_like.jobs.cron import cron_faults, next_firing
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.submit import check_execution
from weaver_like.runtime import Runtime
from weaver_like.schemas.shape import describe_faults


def create_schedule(rt: Runtime, request: ScheduleRequest, origin: Origin) -> Schedule:
    """Check a new schedule as its executions will be checked, and store it.

    Raises: InvalidInput, with every fault; Conflict, if there are `limits.schedules` already.
    """
    execution, faults = _check_execution(rt, request, OwnResults(rt, origin.base_url))
    faults = cron_faults(request.cron, request.time_zone) + faults
    if faults or execution is None:
        raise InvalidInput(describe_faults("The schedule", faults), faults=faults)
    now = datetime.now(UTC)
    schedule = Schedule(
        str(uuid.uuid4()),
        request.process_id,
        request.cron,
        request.time_zone,
        execution,
        created=now,
        due=next_firing(request.cron, request.time_zone, now),
        base_url=origin.base_url,
        owner=origin.owner,
        visibility=origin.visibility,
    )
    rt.store.schedules.add(schedule, rt.settings.limits.schedules)
    if rt.engine is not None:
        rt.engine.publish(SchedulesChanged())
    return schedule


def _check_execution(rt: Runtime, request: ScheduleRequest, own: OwnResults) -> tuple[Execution | None, list[Fault]]:
    """The execution if it has no faults; otherwise its faults."""
    try:
        entry = rt.catalog.get(request.process_id)
        execution = request.read(entry.process)
        check_execution(rt, entry, execution, own)
        execution = replace(execution, secrets=entry.process.secret_inputs)
    except NoSuchProcess as error:
        return None, [Fault("/process", error.detail)]
    except (InvalidInput, FetchFailed) as error:
        return None, list(error.faults) or [Fault("", error.detail)]
    return execution, []


def remove_schedule(rt: Runtime, schedule_id: str) -> None:
    """Remove a schedule; its jobs stay. Raises: NoSuchSchedule."""
    if not rt.store.schedules.delete(schedule_id):
        raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
