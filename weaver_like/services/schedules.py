"""`ScheduleService`: schedules, as one requester may see and change them."""

from dataclasses import replace

from weaver_like.access.policy import Action, Ownership
from weaver_like.domain.errors import NoSuchProcess, NoSuchSchedule
from weaver_like.domain.job import Origin
from weaver_like.domain.process import Process
from weaver_like.domain.requester import Requester
from weaver_like.domain.schedule import Schedule, ScheduleFilter, SchedulePage, ScheduleRequest
from weaver_like.jobs.schedule import create_schedule, remove_schedule
from weaver_like.runtime import Runtime


class ScheduleService:
    """What one requester may do with schedules."""

    def __init__(self, runtime: Runtime, requester: Requester):
        self._rt = runtime
        self._requester = requester

    def create(self, request: ScheduleRequest, base_url: str) -> Schedule:
        """Check and store a new schedule.

        Args:
            base_url: public URL under which it was made, for links sent later.
        Raises: NotAuthorized; InvalidInput, with every fault; Conflict, if there are too many.
        """
        self._rt.policy.check(self._requester, Action.EXECUTE)
        ownership = self._rt.policy.ownership(self._requester)
        return _shown(create_schedule(self._rt, request, Origin(base_url, ownership.owner, ownership.visibility)))

    def get(self, schedule_id: str) -> Schedule:
        """A schedule, without the values of secret inputs.

        Raises: NoSuchSchedule, also for schedules that the requester may not see.
        """
        schedule = self._rt.store.schedules.get(schedule_id)
        if not self._rt.policy.allows(self._requester, Action.SEE, Ownership(schedule.owner, schedule.visibility)):
            raise NoSuchSchedule(f"There is no schedule '{schedule_id[:100]}'.")
        return _shown(schedule)

    def find(self, criteria: ScheduleFilter) -> SchedulePage:
        """Schedules that the requester may see, newest first."""
        page = self._rt.store.schedules.find(replace(criteria, seen_by=self._rt.policy.seen_by(self._requester)))
        return replace(page, schedules=tuple(map(_shown, page.schedules)))

    def remove(self, schedule_id: str) -> None:
        """Remove a schedule; its jobs stay. Raises: NoSuchSchedule, NotAuthorized."""
        schedule = self.get(schedule_id)
        self._rt.policy.check(self._requester, Action.CHANGE, Ownership(schedule.owner, schedule.visibility))
        remove_schedule(self._rt, schedule_id)

    def find_process(self, schedule: Schedule) -> Process | None:
        """The process that a schedule executes; None if it is no longer offered."""
        try:
            return self._rt.catalog.get(schedule.process_id).process
        except NoSuchProcess:
            return None


def _shown(schedule: Schedule) -> Schedule:
    return replace(schedule, execution=schedule.execution.without_secrets())
