"""`/jobs`, `/jobs/{id}`: list, status, dismiss."""

from datetime import timedelta

from weaver_like.domain.formats import JSON
from weaver_like.domain.job import Job, JobFilter
from weaver_like.domain.links import Link
from weaver_like.domain.status import Status
from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.job import render_job_list, render_status
from weaver_like.faces.ogcapi.paging import Cursor, page_url
from weaver_like.faces.request import Request


def list_jobs(request: Request, query: Query) -> Document:
    """Requirements class "job-list". Newest first; `next` goes on after the last job, even if new ones came."""
    page = request.services.jobs.find(_filter(query))
    links = request.urls.twins(page_url(request, "jobs", query["cursor"]))
    if page.more:
        cursor = Cursor(*page.jobs[-1].key).text
        links.append(Link(page_url(request, "jobs", cursor), "next", JSON))
    return Document("Jobs", render_job_list(page.jobs, request.urls, links))


def _filter(query: Query) -> JobFilter:
    created_from, created_to = query["datetime"]
    min_duration = max_duration = None
    if query["minDuration"]:
        min_duration = timedelta(seconds=min(query["minDuration"]))
    if query["maxDuration"]:
        max_duration = timedelta(seconds=max(query["maxDuration"]))
    return JobFilter(
        processes=tuple(dict.fromkeys(query["processID"])),
        statuses=tuple(dict.fromkeys(Status(name) for name in query["status"])),
        created_from=created_from,
        created_to=created_to,
        min_duration=min_duration,
        max_duration=max_duration,
        after=Cursor.key_of(query["cursor"]),
        limit=query["limit"],
    )


def get_job(request: Request, query: Query) -> Document:
    """/req/core/job."""
    return _status(request, request.services.jobs.get(request.matchdict["job"]))


def dismiss_job(request: Request, query: Query) -> Document:
    """/req/dismiss/job-dismiss-op."""
    return _status(request, request.services.jobs.dismiss(request.matchdict["job"]))


def _status(request: Request, job: Job) -> Document:
    return Document(f"Job {job.id}", render_status(job, request.urls))
