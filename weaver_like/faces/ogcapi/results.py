"""Results: the form of an answer is chosen here, in one place. The table is in docs/conformance.rst."""

from collections.abc import Callable

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import HTML, JSON, TEXT
from weaver_like.domain.job import Job
from weaver_like.domain.links import OGC, PROFILE_RESULTS, Link
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.folders import FORMS, answer_folder, is_folder_result
from weaver_like.faces.ogcapi.forms import Form, Wishes, by_reference, choose_form, holds_html
from weaver_like.faces.ogcapi.negotiate import choose, prefers_json
from weaver_like.faces.ogcapi.parts import ResultBodies, value_body
from weaver_like.faces.ogcapi.prefer import parse_prefer
from weaver_like.faces.ogcapi.stream import file_answer, stream_answer
from weaver_like.faces.pages.render import render_page
from weaver_like.faces.pages.results import results_page
from weaver_like.jobs.results import JobResults, by_value

_PROFILE_NAMES = (PROFILE_RESULTS, PROFILE_RESULTS.replace("https:", "http:"), "ogc-results")


def get_job_results(request: Request, query: Query) -> Response:
    """/req/core/job-results and the rest of it."""
    return answer_results(request, request.services.jobs.get(request.matchdict["job"]), query)


def answer_results(request: Request, job: Job, query: Query, *, asked: Execution | None = None) -> Response:
    """The results of a job that has ended. asked: the execute request, if this is the synchronous answer to it.

    Raises: what `get_results` raises.
    """
    if asked is None:
        return _answer(request, request.services.results.get(job, query.get("outputs")), query, fresh=False)
    if job.status is Status.SUCCESSFUL and asked.outputs == {}:
        return _with_monitor(request, job, Response(status=204, headerlist=[]))
    response = _answer(request, request.services.results.get(job), query, fresh=True)
    return _with_monitor(request, job, response)


def _answer(request: Request, found: JobResults, query: Query, fresh: bool) -> Response:
    if request.form == HTML and not holds_html(found):
        return _page(request, found, f"Results of job {found.job.id}")
    wishes = _wishes(request, found, query, fresh)
    form = choose_form(found, wishes)
    if form is Form.RAW and is_folder_result(found.results[0]):
        return answer_folder(request, found.job, found.results[0], _folder_form(request, found))
    if form is Form.RAW:
        return answer_one(request, found.results[0])
    if form is Form.LINKS:
        links = [_result_link(request, found.job, result).header() for result in found.results]
        return Response(status=204, headerlist=[("Link", link) for link in links])
    if form is Form.MULTIPART:
        body = _bodies(request).multipart(found, lambda result: by_reference(found.execution, result))
        return stream_answer(request, body)
    profile = Link(PROFILE_RESULTS, "profile").header()
    return _answer_document(request, found, wishes.preference, [("Link", profile)])


def _answer_document(
    request: Request, found: JobResults, preference: str | None, headers: list[tuple[str, str]]
) -> Response:
    body = _bodies(request).document(found, _inliner(request, found.execution, preference))
    return stream_answer(request, body, headers)


def _wishes(request: Request, found: JobResults, query: Query, fresh: bool) -> Wishes:
    """fresh: this is the answer to the execute request itself."""
    preferred = None if fresh else parse_prefer(request.headers.get("Prefer")).return_
    accept = request.environ.get("HTTP_ACCEPT", "")
    wants_profile = "ogc-results" in accept or any(name in _PROFILE_NAMES for name in query.get("profile", ()))
    return Wishes(
        document=wants_profile or query["f"] == "json",
        fresh=fresh,
        preference=preferred or found.execution.return_preference,
        json_before=lambda other: prefers_json(request, other),
        own_type=lambda: _own_type(request, found),
    )


def _folder_form(request: Request, found: JobResults) -> str:
    """As the execute request wants that output, else as the header Accept says, else a listing."""
    wanted = (found.execution.outputs or {}).get(found.results[0].output)
    if wanted is not None and wanted.format.media_type in FORMS:
        return str(wanted.format.media_type)
    offered = request.accept.acceptable_offers(list(FORMS))
    return str(offered[0][0]) if offered else JSON


def answer_one(request: Request, result: Result) -> Response:
    """One result as itself. Source: /req/core/process-execute-sync-raw-value-one."""
    if result.path is not None:
        return file_answer(request, request.services.results.open(result.path), result.format.media_type)
    body, media_type = value_body(request.urls, result)
    if media_type == TEXT and prefers_json(request, media_type):
        body, media_type = value_body(request.urls, result, as_json=True)
    return body_answer(body, media_type)


def get_job_output(request: Request, query: Query) -> Response:
    """`/jobs/{id}/results/{output}`: negotiated. Source: 2.0 draft, /req/core/job-result-op, job-results-async-one."""
    job = request.services.jobs.get(request.matchdict["job"])
    found = request.services.results.get_output(job, request.matchdict["output"])
    first, alone, wants_json = found.results[0], len(found.results) == 1, query["f"] == "json"
    if request.form == HTML and not holds_html(found):
        return _page(request, found, f"Output {first.output}")
    if alone and is_folder_result(first):
        return answer_folder(request, job, first, JSON if wants_json else choose(request, FORMS))
    if alone and not wants_json and _takes_itself(request, found):
        return answer_one(request, first)
    if not wants_json and not request.accept.acceptable_offers([JSON]):
        own = _own_type(request, found)
        raise NotAcceptable(f"Output '{first.output}' is '{own}'; it is also offered as {JSON} and {HTML}.")
    return _answer_document(request, found, None, [])


def _takes_itself(request: Request, found: JobResults) -> bool:
    """Whether the client takes the one result as itself, or a value of it as JSON."""
    own = _own_type(request, found)
    if "HTTP_ACCEPT" not in request.environ or request.accept.acceptable_offers([own.partition(";")[0]]):
        return True
    return found.results[0].path is None and prefers_json(request, own)


def _bodies(request: Request) -> ResultBodies:
    return ResultBodies(request.urls, request.services.results.open, request.settings.limits.inline_bytes)


def _inliner(request: Request, execution: Execution, preference: str | None) -> Callable[[Result], bool]:
    limit = request.settings.limits.inline_bytes
    return lambda result: by_value(execution, result, preference, limit)


def _own_type(request: Request, found: JobResults) -> str:
    """Media type of the one result, as itself."""
    if not found.results:
        return JSON
    return found.results[0].format.media_type or value_body(request.urls, found.results[0])[1]


def _result_link(request: Request, job: Job, result: Result) -> Link:
    return Link(request.urls.result(job.id, result), OGC + "results", result.format.media_type, result.output)


def _with_monitor(request: Request, job: Job, response: Response) -> Response:
    """/req/core/job-results-success-sync; see the setting for why not always."""
    wish = request.settings.server.monitor_link
    asked = "Prefer" in request.headers or response.status_int == 204
    if wish == "always" or (wish == "asked" and asked):
        response.headers.add("Link", Link(request.urls.job(job.id), "monitor").header())
    return response


def _page(request: Request, found: JobResults, title: str) -> Response:
    return body_answer(render_page(title, results_page(found, request.urls), request.urls.base), HTML)
