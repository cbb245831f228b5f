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
#: In their order; what is wanted in each, beside `*`, lists, ranges and steps.
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
    """Everything that is wrong with `cron` and `timeZone` of a schedule; an expression whose day never comes is a fault too."""
    found = _expression_faults(cron)
    if time_zone not in _zones():
        found.append(
            Fault(
                "/timeZone",
                f"'{time_zone[:64]}' was got; a name of the IANA time zone database is wanted, e.g. Europe/Berlin or UTC",
            )
        )
    return found


def next_firing(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first moment after `after` that an expression without faults means; aware, UTC.

    An expression that leaves no hour out goes by real time. Others go by the clock on the wall: a time that does not exist on
    its day is the first moment after the gap, and of a time that exists twice the first one counts.
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
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) != wall:
        wall += _MINUTE
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment


def _fields(cron: str) -> list[str]:
    return MACROS.get(cron.strip().lower(), cron).split()


def _expression_faults(cron: str) -> list[Fault]:
    fields = _fields(cron)
    if len(fields) != len(FIELDS):
        macros = ", ".join(MACROS)
        return [
            Fault(
                "/cron",
                f"'{cron[:200]}' has {len(fields)} fields; five are wanted ({', '.join(FIELDS)}), or one of {macros}",
            )
        ]
    found = []
    for position, (name, wanted) in enumerate(FIELDS.items()):
        alone = ["*"] * len(FIELDS)
        alone[position] = fields[position]
        if not _comes(alone):
            found.append(
                Fault(
                    "/cron",
                    f"'{fields[position]}' was got for the {name}; {wanted} is wanted, or *, a list, a range or a step of these",
                )
            )
    if not found and not _comes(fields):
        found.append(Fault("/cron", f"'{cron[:200]}' was got; a day that comes is wanted"))
    return found


def _comes(fields: list[str]) -> bool:
    """True if an expression can be read and means some moment."""
    try:
        return next(CronSim(" ".join(fields), _SOME_TIME), None) is not None
    except CronSimError:
        return False


@cache
def _zones() -> set[str]:
    """Reading the database's list takes tens of milliseconds; its name for "as on this machine" means another time on the next one."""
    return available_timezones() - {"localtime", "Factory"}
