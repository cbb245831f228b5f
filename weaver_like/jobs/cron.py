"""Cron expressions and time zones: text -> the next moment."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from weaver_like.domain.errors import Fault

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
#: In their order, with the values of each; `*`, lists, ranges and steps are always possible.
FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of month": "1 to 31 or L",
    "month": "1 to 12 or JAN to DEC",
    "day of week": "0 to 7 or SUN to SAT",
}
_EVERY_HOUR = set(range(24))
_MINUTE = timedelta(minutes=1)
_SOME_TIME = datetime(2024, 1, 1)


def cron_faults(cron: str, time_zone: str) -> list[Fault]:
    """Everything that is wrong with `cron` and `timeZone` of a schedule, including an expression that never matches."""
    found = [Fault("/cron", detail) for detail in _cron_faults(cron)]
    if time_zone not in _zones():
        expected = "a name of the IANA time zone database, e.g. Europe/Berlin or UTC"
        found.append(Fault("/timeZone", f"expected {expected}, got '{time_zone[:64]}'"))
    return found


def next_firing(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first moment after `after` that an expression without faults matches; aware, UTC.

    An expression that matches every hour goes by real time. Others go by wall-clock time: a time that is
    skipped on a day fires at the first moment after the gap, and a time that occurs twice fires the first time.
    Source: crontab(5) for the fields, and for day of month OR day of week unless one of them begins with `*`.
    """
    zone, fields = ZoneInfo(time_zone), _fields(cron)
    here = after.astimezone(zone)
    if CronSim(" ".join(fields), _SOME_TIME).hours == _EVERY_HOUR:
        fields[1] = "*"
        return next(CronSim(" ".join(fields), here)).astimezone(UTC)
    moments = (_moment(wall, zone) for wall in CronSim(" ".join(fields), here.replace(tzinfo=None)))
    return next(moment for moment in moments if moment > after)


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment when a wall clock shows a time, or the first later time that exists."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) != wall:
        wall += _MINUTE
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment


def _fields(cron: str) -> list[str]:
    return MACROS.get(cron.strip().lower(), cron).split()


def _cron_faults(cron: str) -> list[str]:
    fields = _fields(cron)
    if len(fields) != len(FIELDS):
        expected = f"five fields ({', '.join(FIELDS)}) or one of {', '.join(MACROS)}"
        return [f"expected {expected}, got {len(fields)} fields: '{cron[:200]}'"]
    found = []
    for position, (name, values) in enumerate(FIELDS.items()):
        alone = ["*"] * len(FIELDS)
        alone[position] = fields[position]
        if not _matches(alone):
            expected = f"{values}, or *, a list, a range or a step of these"
            found.append(f"{name}: expected {expected}, got '{fields[position]}'")
    if not found and not _matches(fields):
        found.append(f"expected a date that exists, got '{cron[:200]}'")
    return found


def _matches(fields: list[str]) -> bool:
    """Whether an expression can be read and matches some moment."""
    try:
        return next(CronSim(" ".join(fields), _SOME_TIME), None) is not None
    except CronSimError:
        return False


@cache
def _zones() -> set[str]:
    """Names of the time zones, cached: reading them takes tens of milliseconds. "localtime" depends on the machine."""
    return available_timezones() - {"localtime", "Factory"}
