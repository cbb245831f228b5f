"""Documents about a job: status, lists, log, exceptions."""

import logging
from collections.abc import Sequence

from weaver_like.domain.errors import WeaverError
from weaver_like.domain.job import Job, LogEntry
from weaver_like.domain.links import Link
from weaver_like.domain.status import Status
from weaver_like.faces.ogcapi.documents.urls import Urls, render_links
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.times import render_time

_MESSAGES = {
    Status.ACCEPTED: "The job waits for a worker.",
    Status.RUNNING: "The job is running.",
    Status.SUCCESSFUL: "The job was successful.",
    Status.FAILED: "The job failed.",
    Status.DISMISSED: "The job was dismissed.",
}


def render_status(job: Job, urls: Urls, listed: bool = False) -> JsonObject:
    """The status document that both editions and Part 4 accept; members without a value are left out.

    Args:
        listed: as an entry of a list, with only the links that lead further.
    Source: statusInfo.yaml of OGC 18-062r2 (jobID, type), of the 2.0 draft (id, processingEntityType); percentCompleted
    is Weaver's.
    """
    document: JsonObject = {
        "jobID": job.id,
        "id": job.id,
        "processID": job.process_id,
        "type": "process",
        "processingEntityType": "ogc-api-processes",
        "status": str(job.status),
        "message": job.message or _MESSAGES[job.status],
        "progress": job.progress,
        "percentCompleted": job.progress,
        "created": render_time(job.created),
        "updated": render_time(job.updated),
    }
    if job.started:
        document["started"] = render_time(job.started)
    if job.finished:
        document["finished"] = render_time(job.finished)
    if job.title:
        document["title"] = job.title
    if job.parent_id and not job.schedule_id:
        document["parentID"] = job.parent_id
    if job.priority is not None:
        document["priority"] = job.priority
    links = urls.of_listed(job) if listed else urls.of_job(job)
    document["links"] = render_links(links)
    return document


def render_job_list(jobs: Sequence[Job], urls: Urls, links: list[Link]) -> JsonObject:
    """Source: OGC 18-062r2, jobList.yaml."""
    return {"jobs": [render_status(job, urls, listed=True) for job in jobs], "links": render_links(links)}


def render_log(entries: list[LogEntry]) -> list[JsonObject]:
    """Lines of a log, oldest first."""
    return [_render_line(entry) for entry in entries]


def _render_line(entry: LogEntry) -> JsonObject:
    document = {"number": entry.number, "time": render_time(entry.at), "level": logging.getLevelName(entry.level)}
    if entry.percent is not None:
        document["progress"] = entry.percent
    document["message"] = entry.message
    return document


def render_problem(error: WeaverError, instance: str | None = None) -> JsonObject:
    """Problem details; `errors` lists every fault with its JSON pointer.

    Args:
        instance: URL of what the error happened to.
    Source: RFC 9457; OGC 18-062r2, exception.yaml.
    """
    document: JsonObject = {
        "type": error.type_uri,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if instance:
        document["instance"] = instance
    if error.faults:
        document["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
    return document
