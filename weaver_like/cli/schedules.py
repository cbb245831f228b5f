"""`weaver-like schedules` and `weaver-like schedule add | remove`.

They work on the store; a running server notices within seconds.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from weaver_like.cli.options import SettingsOptions, plain_errors, with_settings
from weaver_like.domain.requester import SYSTEM
from weaver_like.domain.schedule import Schedule, ScheduleFilter
from weaver_like.faces.ogcapi.documents.execute import read_body
from weaver_like.faces.ogcapi.documents.schedule import parse_schedule, render_schedule
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.schemas.times import render_time
from weaver_like.services.schedules import ScheduleService
from weaver_like.settings import Settings
from weaver_like.wiring import build

_ALL = 10**6


@contextmanager
def _service(settings: Settings) -> Iterator[ScheduleService]:
    """The service for schedules, in the name of the operator; an error ends the command."""
    with plain_errors():
        runtime = build(settings)
        runtime.store.migrate()
        yield ScheduleService(runtime, SYSTEM)


@click.command()
@with_settings
@click.option("--process", multiple=True, help="Only schedules of this process; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def schedules(options: SettingsOptions, process: tuple[str, ...], as_json: bool) -> None:
    """List schedules, newest first.

    Each with its id, process, times, next firing, and why the last firing created no job.
    """
    settings = options.load()
    with _service(settings) as service:
        found = service.find(ScheduleFilter(process, limit=_ALL)).schedules
    if as_json:
        urls = Urls(settings.server.url.rstrip("/"), settings.files.outputs_url.rstrip("/"))
        click.echo(json.dumps([render_schedule(one, urls) for one in found], indent=2))
        return
    for one in found:
        click.echo(_line(one))


def _line(schedule: Schedule) -> str:
    parts = [
        schedule.id,
        schedule.process_id,
        f"{schedule.cron} {schedule.time_zone}",
        f"next {render_time(schedule.due)}",
    ]
    if schedule.execution.title:
        parts.append(schedule.execution.title)
    if schedule.failure:
        parts.append(f"FAILED: {schedule.failure}")
    return "  ".join(parts)


@click.group()
def schedule() -> None:
    """Add and remove schedules."""


@schedule.command()
@with_settings
@click.argument("process")
@click.option(
    "--cron", required=True, help='Five fields ("0 6 * * MON-FRI"), or @hourly, @daily, @weekly, @monthly, @yearly.'
)
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name, e.g. Europe/Berlin.")
@click.option("--inputs", type=click.File("rb"), help="File with the inputs as a JSON object; - for standard input.")
@click.option("--title", help="Title of the schedule and of its jobs.")
def add(
    options: SettingsOptions,
    process: str,
    cron: str,
    time_zone: str,
    inputs: IO[bytes] | None,
    title: str | None,
) -> None:
    """Execute PROCESS periodically; prints the id of the schedule."""
    settings = options.load()
    document: dict[str, Any] = {"process": process, "cron": cron, "timeZone": time_zone}
    if title:
        document["title"] = title
    with _service(settings) as service:
        if inputs:
            document["inputs"] = read_body(inputs.read(), "")
        click.echo(service.create(parse_schedule(document), settings.server.url.rstrip("/")).id)


@schedule.command()
@with_settings
@click.argument("schedule_id", metavar="ID")
def remove(options: SettingsOptions, schedule_id: str) -> None:
    """Remove a schedule; its jobs stay."""
    with _service(options.load()) as service:
        service.remove(schedule_id)
