"""`/schedules`, `/schedules/{id}`: periodic executions, an extension of the standard."""

from urllib.parse import urlencode

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.links import Link
from weaver_like.domain.schedule import Schedule, ScheduleFilter
from weaver_like.faces.ogcapi.answer import answer, read_query
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose
from weaver_like.jobs.schedule import create_schedule, remove_schedule
from weaver_like.schemas.execute import read_body
from weaver_like.schemas.query import PLAIN, SCHEDULE_LIST
from weaver_like.schemas.schedule import render_schedule
from weaver_like.schemas.urls import render_links


def list_schedules(request: Request) -> Response:
    """Newest first, in pages as the job list."""
    query = read_query(request, SCHEDULE_LIST)
    created, _, schedule_id = (query["cursor"] or "").partition(".")
    page = request.runtime.schedules.find(
        ScheduleFilter(
            tuple(dict.fromkeys(query["processID"])), (int(created), schedule_id) if created else None, query["limit"]
        )
    )
    links = request.urls.twins(_page_url(request, query["cursor"]))
    if page.more:
        created, schedule_id = page.schedules[-1].key
        links.append(Link(_page_url(request, f"{created}.{schedule_id}"), "next", JSON))
    document = {
        "schedules": [render_schedule(schedule, request.urls, listed=True) for schedule in page.schedules],
        "links": render_links(links),
    }
    return answer(request, document, title="Schedules", f=query["f"])


def _page_url(request: Request, cursor: str | None) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in ("f", "cursor")} | (
        {"cursor": cursor} if cursor else {}
    )
    return f"{request.urls.base}/schedules" + (f"?{urlencode(kept)}" if kept else "")


def add_schedule(request: Request) -> Response:
    """The body is an execute request with `process`, `cron` and `timeZone`."""
    query = read_query(request, PLAIN)
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    choose(request, (JSON, HTML), query["f"])  # a schedule whose sender could not be told its id must not be kept
    schedule = create_schedule(request.runtime, document, request.urls.base)
    response = _answer_schedule(request, schedule, query["f"], 201)
    response.headers["Location"] = request.urls.schedule(schedule.id)
    return response


def get_schedule(request: Request) -> Response:
    """When it fires next, what came of it last, and what it executes."""
    query = read_query(request, PLAIN)
    return _answer_schedule(request, request.runtime.schedules.get(request.matchdict["schedule"]), query["f"])


def delete_schedule(request: Request) -> Response:
    """No firing begins after this; jobs of earlier ones go on."""
    read_query(request, PLAIN)
    remove_schedule(request.runtime, request.matchdict["schedule"])
    return Response(status=204)


def _answer_schedule(request: Request, schedule: Schedule, f: str | None, status: int = 200) -> Response:
    try:
        process = request.runtime.catalog.get(schedule.process_id).process
    except NoSuchProcess:
        process = None
    return answer(
        request, render_schedule(schedule, request.urls, process), title=f"Schedule {schedule.id}", f=f, status=status
    )
