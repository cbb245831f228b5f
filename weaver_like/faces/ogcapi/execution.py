"""`POST /processes/{id}/execution`."""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import ServerBusy
from weaver_like.domain.job import Job
from weaver_like.domain.links import Link
from weaver_like.domain.prefer import parse_prefer
from weaver_like.faces.ogcapi.answer import answer, read_query
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose, prefers_html
from weaver_like.faces.ogcapi.results import answer_results
from weaver_like.jobs.submit import Submission, check_submission, new_job, submit_job
from weaver_like.jobs.wait import wait_for
from weaver_like.schemas.execute import read_body
from weaver_like.schemas.job import render_status
from weaver_like.schemas.query import PLAIN


def execute(request: Request) -> Response:
    """/req/core/process-execute-op and the ten after it; docs/conformance.rst has the table of forms."""
    query = read_query(request, PLAIN)
    rt = request.runtime
    process_id = request.matchdict["process"]
    rt.catalog.get(process_id)
    if rt.engine.refusing:
        raise ServerBusy("The server is stopping.", retry_after_s=10)
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    submission = check_submission(rt, process_id, document, parse_prefer(request.headers.get("Prefer")))
    if not submission.mode.wait_s:
        choose(request, (JSON, HTML), query["f"])  # a job whose sender could not be told its id must not run
    job = new_job(rt, submission.process.id, submission.execution, request.urls.base)
    if submission.mode.wait_s and request.registry.places.take():
        try:
            job = _submit_and_wait(request, job, submission)
        finally:
            request.registry.places.give_back()
    elif submission.mode.wait_s and not submission.process.asynchronous:
        raise ServerBusy("Too many synchronous requests wait already.", retry_after_s=5)
    else:
        submit_job(rt, job, submission.execution)
    if job.status.final:
        response = answer_results(request, job, query, asked=submission.execution)
    else:
        response = _accepted(request, job, query)
    _add_applied(response, submission, job)
    return response


def _submit_and_wait(request: Request, job: Job, submission: Submission) -> Job:
    with request.runtime.engine.subscribe(job.id) as subscription:
        submit_job(request.runtime, job, submission.execution)
        return wait_for(request.runtime, subscription, job.id, submission.mode.wait_s)


def _accepted(request: Request, job: Job, query: dict) -> Response:
    """/req/core/process-execute-success-async."""
    url = request.urls.job(job.id)
    form = "html" if prefers_html(request, query["f"]) else "json"
    response = answer(
        request,
        render_status(job, request.urls),
        title=f"Job {job.id}",
        f=form,
        status=201,
        links=[Link(url, "monitor")],
    )
    response.headers["Location"] = url
    return response


def _add_applied(response: Response, submission: Submission, job: Job) -> None:
    """RFC 7240 section 3: only what was honoured."""
    applied = [token for token in submission.mode.applied if not (job.status.final and token == "respond-async")]
    if applied:
        response.headers["Preference-Applied"] = ", ".join(applied)
