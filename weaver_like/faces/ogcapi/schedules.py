"""`/schedules`, `/schedules/{id}`: periodic executions, an extension of the standard."""

from pyramid.response import Response

from weaver_like.domain.formats import JSON
from weaver_like.domain.links import Link
from weaver_like.domain.schedule import Schedule, ScheduleFilter
from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.execute import read_body
from weaver_like.faces.ogcapi.documents.schedule import parse_schedule, render_schedule
from weaver_like.faces.ogcapi.documents.urls import render_links
from weaver_like.faces.ogcapi.paging import Cursor, page_url
from weaver_like.faces.request import Request


def list_schedules(request: Request, query: Query) -> Document:
    """Newest first, in pages like the job list."""
    processes = tuple(dict.fromkeys(query["processID"]))
    page = request.services.schedules.find(ScheduleFilter(processes, Cursor.key_of(query["cursor"]), query["limit"]))
    links = request.urls.twins(page_url(request, "schedules", query["cursor"]))
    if page.more:
        cursor = Cursor(*page.schedules[-1].key).text
        links.append(Link(page_url(request, "schedules", cursor), "next", JSON))
    schedules = [render_schedule(schedule, request.urls, listed=True) for schedule in page.schedules]
    return Document("Schedules", {"schedules": schedules, "links": render_links(links)})


def add_schedule(request: Request, query: Query) -> Document:
    """The body is an execute request with `process`, `cron` and `timeZone`."""
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    schedule = request.services.schedules.create(parse_schedule(document), request.urls.base)
    return _schedule(request, schedule, 201, (("Location", request.urls.schedule(schedule.id)),))


def get_schedule(request: Request, query: Query) -> Document:
    """When it fires next, what its last firing led to, and what it executes."""
    return _schedule(request, request.services.schedules.get(request.matchdict["schedule"]))


def remove_schedule(request: Request, query: Query) -> Response:
    """It does not fire again; jobs that it has submitted go on."""
    request.services.schedules.remove(request.matchdict["schedule"])
    return Response(status=204)


def _schedule(
    request: Request, schedule: Schedule, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Document:
    process = request.services.schedules.find_process(schedule)
    document = render_schedule(schedule, request.urls, process)
    return Document(f"Schedule {schedule.id}", document, status, headers=headers)
