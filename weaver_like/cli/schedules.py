"""`weaver-like schedules`, `weaver-like schedule add | remove`: they work on the store; a running server hears of it within seconds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from weaver_like.cli.options import load_settings, with_settings
from weaver_like.domain.errors import WeaverError
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
    """Schedules, in the name of the operator. An error ends the command, with a line for each fault."""
    try:
        runtime = build(settings)
        runtime.jobs.migrate()
        yield ScheduleService(runtime, SYSTEM)
    except WeaverError as error:
        faults = "\n".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults if fault.pointer)
        raise click.ClickException(faults or error.detail) from error


@click.command()
@with_settings
@click.option("--process", multiple=True, help="Only schedules of this process; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def schedules(
    config: Path | None, data: Path | None, overrides: tuple[str, ...], process: tuple[str, ...], as_json: bool
) -> None:
    """List schedules, newest first: id, process, when, next firing, and why the last firing gave no job."""
    settings = load_settings(config, data, overrides)
    with _service(settings) as service:
        found = service.find(ScheduleFilter(process, limit=_ALL)).schedules
    if as_json:
        urls = Urls(settings.server.url.rstrip("/"), settings.files.outputs_url.rstrip("/"))
        click.echo(json.dumps([render_schedule(one, urls) for one in found], indent=2))
    for one in () if as_json else found:
        click.echo(_line(one))


def _line(schedule: Schedule) -> str:
    parts = [
        schedule.id,
        schedule.process_id,
        f"{schedule.cron} {schedule.time_zone}",
        f"next {render_time(schedule.due)}",
        schedule.execution.title,
        schedule.failure and f"FAILED: {schedule.failure}",
    ]
    return "  ".join(part for part in parts if part)


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
@click.option("--inputs", type=click.File("rb"), help="File with a JSON object of the inputs; - is the standard input.")
@click.option("--title", help="Title of the schedule and of its jobs.")
def add(
    config: Path | None,
    data: Path | None,
    overrides: tuple[str, ...],
    process: str,
    inputs: IO[bytes] | None,
    **given: str | None,
) -> None:
    """Execute PROCESS again and again; prints the id of the schedule."""
    settings = load_settings(config, data, overrides)
    document: dict[str, object] = {"process": process, "cron": given["cron"], "timeZone": given["time_zone"]}
    if given["title"]:
        document["title"] = given["title"]
    with _service(settings) as service:
        if inputs:
            document["inputs"] = read_body(inputs.read(), "")
        click.echo(service.create(parse_schedule(document), settings.server.url.rstrip("/")).id)


@schedule.command()
@with_settings
@click.argument("schedule_id", metavar="ID")
def remove(config: Path | None, data: Path | None, overrides: tuple[str, ...], schedule_id: str) -> None:
    """Remove a schedule; its jobs stay."""
    with _service(load_settings(config, data, overrides)) as service:
        service.remove(schedule_id)
