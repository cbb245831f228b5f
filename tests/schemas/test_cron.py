"""When an expression fires, in zones with daylight saving; and what is said of one that is wrong."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from weaver_like.jobs.cron import MACROS, cron_faults, next_firing

#: Expression, zone, from (on the wall), the next firings (on the wall, with their offset from UTC).
TABLE = [
    ("*/15 * * * *", "UTC", "2024-05-06T07:50", ["2024-05-06T08:00+00:00", "2024-05-06T08:15+00:00"]),
    (
        "0,30 9-17/4 * * *",
        "UTC",
        "2024-05-06T09:10",
        ["2024-05-06T09:30+00:00", "2024-05-06T13:00+00:00", "2024-05-06T13:30+00:00", "2024-05-06T17:00+00:00"],
    ),
    (
        "5/20 8 * * *",
        "UTC",
        "2024-05-06T00:00",
        ["2024-05-06T08:05+00:00", "2024-05-06T08:25+00:00", "2024-05-06T08:45+00:00", "2024-05-07T08:05+00:00"],
    ),
    ("0 6 * * mon-fri", "UTC", "2024-05-03T12:00", ["2024-05-06T06:00+00:00", "2024-05-07T06:00+00:00"]),
    ("0 0 1 JAN,Jul *", "UTC", "2024-05-06T00:00", ["2024-07-01T00:00+00:00", "2025-01-01T00:00+00:00"]),
    ("0 0 * * 7", "UTC", "2024-05-06T00:00", ["2024-05-12T00:00+00:00", "2024-05-19T00:00+00:00"]),
    ("0 0 29 2 *", "UTC", "2024-03-01T00:00", ["2028-02-29T00:00+00:00"]),
    ("0 0 31 * *", "UTC", "2024-05-31T00:00", ["2024-07-31T00:00+00:00", "2024-08-31T00:00+00:00"]),
    ("0 0 L * *", "UTC", "2024-02-01T00:00", ["2024-02-29T00:00+00:00", "2024-03-31T00:00+00:00"]),
    # Day of month OR day of week, unless one of them begins with a star: crontab(5).
    (
        "0 0 13 * FRI",
        "UTC",
        "2024-09-10T00:00",
        [
            "2024-09-13T00:00+00:00",
            "2024-09-20T00:00+00:00",
            "2024-09-27T00:00+00:00",
            "2024-10-04T00:00+00:00",
            "2024-10-11T00:00+00:00",
            "2024-10-13T00:00+00:00",
        ],
    ),
    (
        "0 0 */10 * FRI",
        "UTC",
        "2024-01-01T00:00",
        ["2024-03-01T00:00+00:00", "2024-05-31T00:00+00:00", "2024-06-21T00:00+00:00"],
    ),
    ("0 0 * * FRI", "UTC", "2024-09-10T00:00", ["2024-09-13T00:00+00:00", "2024-09-20T00:00+00:00"]),
    # A time that does not exist: the first moment after the gap.
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2025-03-29T00:00",
        ["2025-03-29T02:30+01:00", "2025-03-30T03:00+02:00", "2025-03-31T02:30+02:00"],
    ),
    (
        "*/20 2 * * *",
        "Europe/Berlin",
        "2025-03-29T02:30",
        ["2025-03-29T02:40+01:00", "2025-03-30T03:00+02:00", "2025-03-31T02:00+02:00"],
    ),
    (
        "0,30 2,3 * * *",
        "Europe/Berlin",
        "2025-03-30T00:00",
        ["2025-03-30T03:00+02:00", "2025-03-30T03:30+02:00", "2025-03-31T02:00+02:00"],
    ),
    ("30 2 * * *", "America/New_York", "2025-03-08T12:00", ["2025-03-09T03:00-04:00", "2025-03-10T02:30-04:00"]),
    ("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00", ["2025-10-05T02:30+11:00", "2025-10-06T02:15+11:00"]),
    ("45 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00", ["2025-10-05T02:45+11:00"]),
    ("0 0 * * *", "Africa/Cairo", "2025-04-24T12:00", ["2025-04-25T01:00+03:00", "2025-04-26T00:00+03:00"]),
    # A time that exists twice: the first one.
    ("30 2 * * *", "Europe/Berlin", "2025-10-25T12:00", ["2025-10-26T02:30+02:00", "2025-10-27T02:30+01:00"]),
    (
        "*/30 2 * * *",
        "Europe/Berlin",
        "2025-10-25T12:00",
        ["2025-10-26T02:00+02:00", "2025-10-26T02:30+02:00", "2025-10-27T02:00+01:00"],
    ),
    ("30 1 * * SUN", "America/New_York", "2025-11-01T00:00", ["2025-11-02T01:30-04:00", "2025-11-09T01:30-05:00"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2025-04-05T12:00", ["2025-04-06T01:45+11:00", "2025-04-07T01:45+10:30"]),
    # What leaves no hour out goes on by real time.
    (
        "0 * * * *",
        "Europe/Berlin",
        "2025-10-26T01:30",
        ["2025-10-26T02:00+02:00", "2025-10-26T02:00+01:00", "2025-10-26T03:00+01:00"],
    ),
    ("30 0-23 * * *", "Europe/Berlin", "2025-03-30T00:45", ["2025-03-30T01:30+01:00", "2025-03-30T03:30+02:00"]),
    (
        "@hourly",
        "America/New_York",
        "2025-11-02T00:30",
        ["2025-11-02T01:00-04:00", "2025-11-02T01:00-05:00", "2025-11-02T02:00-05:00"],
    ),
    (
        "0 * * * *",
        "Australia/Lord_Howe",
        "2025-04-06T00:30",
        ["2025-04-06T01:00+11:00", "2025-04-06T02:00+10:30", "2025-04-06T03:00+10:30"],
    ),
]


@pytest.mark.parametrize(("cron", "zone", "begin", "expected"), TABLE)
def test_an_expression_fires_when_it_says(cron: str, zone: str, begin: str, expected: list[str]) -> None:
    assert cron_faults(cron, zone) == []
    moment = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone))
    found = []
    for _ in expected:
        moment = next_firing(cron, zone, moment)
        assert moment.utcoffset() == timedelta(0)
        found.append(moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes"))
    assert found == expected


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/Berlin", "2025-03-29"),
        ("Europe/Berlin", "2025-10-25"),
        ("America/New_York", "2025-03-08"),
        ("America/New_York", "2025-11-01"),
        ("Australia/Lord_Howe", "2025-10-04"),
        ("Australia/Lord_Howe", "2025-04-05"),
    ],
)
@pytest.mark.parametrize("minutes", [5, 30])
def test_every_few_minutes_is_every_few_minutes_whatever_the_clock_says(zone: str, begin: str, minutes: int) -> None:
    moment = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for _ in range(3 * 24 * 60 // minutes):
        following = next_firing(f"*/{minutes} * * * *", zone, moment)
        assert following - moment == timedelta(minutes=minutes)
        moment = following


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
@pytest.mark.parametrize("time", [(0, 0), (0, 30), (1, 30), (1, 59), (2, 0), (2, 15), (2, 30), (3, 0)])
def test_once_a_day_is_once_on_every_day_of_the_year(zone: str, time: tuple[int, int]) -> None:
    cron = f"{time[1]} {time[0]} * * *"
    moment = datetime(2024, 12, 31, 22, tzinfo=ZoneInfo(zone))
    days = []
    for _ in range(365):
        moment = next_firing(cron, zone, moment)
        days.append(moment.astimezone(ZoneInfo(zone)).date())
    assert days == [datetime(2025, 1, 1).date() + timedelta(days=number) for number in range(365)]


def test_the_moment_itself_is_not_the_next_one_and_its_parts_count() -> None:
    exact = datetime(2024, 5, 6, 7, tzinfo=UTC)
    assert next_firing("0 * * * *", "UTC", exact) == exact + timedelta(hours=1)
    assert next_firing("0 * * * *", "UTC", exact - timedelta(microseconds=1)) == exact
    assert next_firing("0 7 * * *", "UTC", exact + timedelta(microseconds=1)) == exact + timedelta(days=1)


@pytest.mark.parametrize("macro", list(MACROS))
def test_a_macro_is_what_it_stands_for(macro: str) -> None:
    moment = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    assert next_firing(f" {macro.upper()} ", "Europe/Berlin", moment) == next_firing(
        MACROS[macro], "Europe/Berlin", moment
    )


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("60 * * * *", ["minute: expected 0 to 59"]),
        ("* 24 * * *", ["hour: expected 0 to 23"]),
        ("* * 0 * *", ["day of month: expected 1 to 31"]),
        ("* * * 13 *", ["month: expected 1 to 12 or JAN to DEC"]),
        ("* * * * 8", ["day of week: expected 0 to 7 or SUN to SAT"]),
        ("x 1-99 * FEBR *", ["got 'x'", "got '1-99'", "got 'FEBR'"]),
        ("*/0 * * * *", ["got '*/0'"]),
        ("5-1 * * * *", ["got '5-1'"]),
        ("1,,2 * * * *", ["got '1,,2'"]),
        ("-1 * * * *", ["got '-1'"]),
        ("", ["got 0 fields"]),
        ("* * * *", ["4 fields"]),
        ("0 * * * * *", ["6 fields"]),
        ("@reboot", ["@hourly, @daily"]),
        ("0 0 30 2 *", ["a date that exists"]),
        ("0 0 31 4,6 *", ["a date that exists"]),
        ("٣ * * * *", ["got '٣'"]),
    ],
)
def test_a_fault_says_which_field_what_was_got_and_what_is_wanted(cron: str, said: list[str]) -> None:
    faults = cron_faults(cron, "UTC")
    assert [fault.pointer for fault in faults] == ["/cron"] * len(said)
    for fault, words in zip(faults, said, strict=True):
        assert words in fault.detail


@pytest.mark.parametrize(
    "zone",
    ["", "Berlin", "Europe", "Europe/Berln", "europe/berlin ", "../Berlin", "/etc/localtime", "localtime", "right/UTC"],
)
def test_a_zone_that_is_not_in_the_database_is_refused(zone: str) -> None:
    (fault,) = cron_faults("* * * * *", zone)
    assert fault.pointer == "/timeZone"
    assert "IANA" in fault.detail
