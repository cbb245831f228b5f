"""`POST /processes/{id}/execution`."""

from dataclasses import replace

from pyramid.response import Response

from weaver_like.domain.execution import Submission
from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.job import Job
from weaver_like.domain.links import Link
from weaver_like.faces.ogcapi.answer import Document, render_document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.execute import parse_execute, read_body
from weaver_like.faces.ogcapi.documents.job import render_status
from weaver_like.faces.ogcapi.negotiate import choose
from weaver_like.faces.ogcapi.prefer import Mode, choose_mode, parse_prefer
from weaver_like.faces.ogcapi.results import answer_execution
from weaver_like.faces.request import Request


def execute(request: Request, query: Query) -> Response:
    """/req/core/process-execute-op and the ten after it; the table of forms is in docs/conformance.rst."""
    jobs = request.services.jobs
    process = request.services.processes.get(request.matchdict["process"])
    jobs.check_open()
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    preferences = parse_prefer(request.headers.get("Prefer"))
    execution = replace(parse_execute(document, process), return_preference=preferences.return_)
    submission = jobs.check(Submission(process, execution), request.urls.base)
    limit_s = request.settings.jobs.sync_limit_s
    mode = choose_mode(preferences, process.sync, process.asynchronous, limit_s, execution.mode)
    if not mode.wait_s:
        choose(request, (JSON, HTML), query["f"])  # a job must not run if its id cannot be sent to the client
    job = jobs.submit(replace(submission, wait_s=mode.wait_s), request.urls.base)
    if job.status.final:
        response = answer_execution(request, job, query, submission.execution)
    else:
        response = _accepted(request, job)
    _add_applied(response, mode, job)
    return response


def _accepted(request: Request, job: Job) -> Response:
    """/req/core/process-execute-success-async."""
    url = request.urls.job(job.id)
    monitor, location = Link(url, "monitor"), ("Location", url)
    document = Document(f"Job {job.id}", render_status(job, request.urls), 201, (monitor,), (location,))
    return render_document(request, document, request.form)


def _add_applied(response: Response, mode: Mode, job: Job) -> None:
    """Name what was honoured, and nothing else. Source: RFC 7240 section 3."""
    applied = list(mode.applied)
    if job.status.final and "respond-async" in applied:
        applied.remove("respond-async")
    if applied:
        response.headers["Preference-Applied"] = ", ".join(applied)
