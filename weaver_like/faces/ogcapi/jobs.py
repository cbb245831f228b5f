"""`/jobs`, `/jobs/{id}`: list, status, dismiss."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.job import Job, JobFilter
from weaver_like.domain.links import Link
from weaver_like.domain.status import Status
from weaver_like.faces.ogcapi.answer import answer, read_query
from weaver_like.faces.ogcapi.negotiate import JSON
from weaver_like.jobs.control import dismiss_job
from weaver_like.schemas.job import render_job_list, render_status
from weaver_like.schemas.query import JOB_LIST, PLAIN


def list_jobs(request: Request) -> Response:
    """Requirements class "job-list". Newest first; `next` begins behind the last job of this page, however many were added."""
    query = read_query(request, JOB_LIST)
    page = request.runtime.jobs.find(_filter(query))
    links = request.urls.twins(_page_url(request, query, query["cursor"]))
    if page.more:
        created, job_id = page.jobs[-1].key
        links.append(Link(_page_url(request, query, f"{created}.{job_id}"), "next", JSON))
    return answer(request, render_job_list(list(page.jobs), request.urls, links), title="Jobs", f=query["f"])


def _filter(query: Mapping) -> JobFilter:
    start, end = query["datetime"]
    created, _, job_id = (query["cursor"] or "").partition(".")
    return JobFilter(
        processes=tuple(dict.fromkeys(query["processID"])),
        statuses=tuple(dict.fromkeys(Status(name) for name in query["status"])),
        created_from=start,
        created_to=end,
        min_duration=timedelta(seconds=min(query["minDuration"])) if query["minDuration"] else None,
        max_duration=timedelta(seconds=max(query["maxDuration"])) if query["maxDuration"] else None,
        after=(int(created), job_id) if created else None,
        limit=query["limit"],
    )


def _page_url(request: Request, query: Mapping, cursor: str | None) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in ("f", "cursor")}
    return f"{request.urls.base}/jobs" + (
        "?" + urlencode(kept | ({"cursor": cursor} if cursor else {})) if kept or cursor else ""
    )


def get_job(request: Request) -> Response:
    """/req/core/job."""
    query = read_query(request, PLAIN)
    return _answer_status(request, request.runtime.jobs.get(request.matchdict["job"]), query)


def dismiss(request: Request) -> Response:
    """/req/dismiss/job-dismiss-op."""
    query = read_query(request, PLAIN)
    return _answer_status(request, dismiss_job(request.runtime, request.matchdict["job"]), query)


def _answer_status(request: Request, job: Job, query: Mapping) -> Response:
    return answer(request, render_status(job, request.urls), title=f"Job {job.id}", f=query["f"])
