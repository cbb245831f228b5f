"""Results of a job, all or one of them, in the form that `forms.py` chooses."""

import re
from collections.abc import Callable
from dataclasses import replace

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
from weaver_like.faces.ogcapi.folders import FORMS, answer_folder, answer_member, forms_of
from weaver_like.faces.ogcapi.forms import Form, Wishes, by_reference, choose_form, holds_html
from weaver_like.faces.ogcapi.negotiate import acceptable, choose, prefers_json
from weaver_like.faces.ogcapi.parts import ResultBodies, is_folder_result, own_type, value_body
from weaver_like.faces.ogcapi.prefer import parse_prefer
from weaver_like.faces.ogcapi.stream import file_answer, stream_answer
from weaver_like.faces.pages.render import render_page
from weaver_like.faces.pages.results import results_page
from weaver_like.faces.request import Request
from weaver_like.jobs.results import JobResults, by_value, get_item, is_array

_PROFILE_NAMES = (PROFILE_RESULTS, PROFILE_RESULTS.replace("https:", "http:"), "ogc-results")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")


def get_job_results(request: Request, query: Query) -> Response:
    """/req/core/job-results and what belongs to it."""
    job = request.services.jobs.get(request.matchdict["job"])
    found = request.services.results.get(job, query["outputs"])
    return _answer(request, found, query, fresh=False)


def answer_execution(request: Request, job: Job, query: Query, execution: Execution) -> Response:
    """The synchronous answer to an execute request whose job has ended.

    Raises: as `ResultService.get`.
    """
    if job.status is Status.SUCCESSFUL and execution.outputs == {}:
        response = Response(status=204, headerlist=[])
    else:
        response = _answer(request, request.services.results.get(job), query, fresh=True)
    if _links_to_monitor(request, response):
        response.headers.add("Link", Link(request.urls.job(job.id), "monitor").header())
    return response


def _links_to_monitor(request: Request, response: Response) -> bool:
    """/req/core/job-results-success-sync; the setting says why not always."""
    setting = request.settings.server.monitor_link
    if setting == "asked":
        return "Prefer" in request.headers or response.status_int == 204
    return setting == "always"


def _answer(request: Request, found: JobResults, query: Query, fresh: bool) -> Response:
    """fresh: this is the answer to the execute request itself."""
    if request.form == HTML and not holds_html(found):
        return _page(request, found, f"Results of job {found.job.id}")
    wishes = _wishes(request, found, query, fresh)
    form = choose_form(found, wishes)
    if form is Form.RAW and is_folder_result(found.results[0]):
        return answer_folder(request, found.job, found.results[0], _folder_form(request, found))
    if form is Form.RAW:
        return _answer_one(request, found.results[0])
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
    preference = found.execution.return_preference
    if not fresh:
        preference = parse_prefer(request.headers.get("Prefer")).return_ or preference
    accept = request.environ.get("HTTP_ACCEPT", "")
    wants_profile = "ogc-results" in accept or any(name in _PROFILE_NAMES for name in query["profile"])
    return Wishes(
        document=wants_profile or query["f"] == "json",
        fresh=fresh,
        preference=preference,
        json_before=lambda other: prefers_json(request, other),
        own_type=lambda: _own_type(found),
    )


def _folder_form(request: Request, found: JobResults) -> str:
    """The form of a folder: as the execute request asks for that output, else as Accept says, else as described."""
    result = found.results[0]
    requested = (found.execution.outputs or {}).get(result.output)
    if requested is not None and requested.format.media_type in FORMS:
        return str(requested.format.media_type)
    offered = acceptable(request, forms_of(result))
    return offered[0][0] if offered else forms_of(result)[0]


def _answer_one(request: Request, result: Result) -> Response:
    """Answer with one result as itself. Source: /req/core/process-execute-sync-raw-value-one."""
    if result.path is not None:
        return file_answer(request, request.services.results.open(result.path), result.format.media_type)
    body, media_type = value_body(request.urls, result)
    if media_type == TEXT and prefers_json(request, media_type):
        body, media_type = value_body(request.urls, result, as_json=True)
    return body_answer(body, media_type)


def get_job_output(request: Request, query: Query) -> Response:
    """`/jobs/{id}/results/{output}`: negotiated. Source: 2.0 draft, /req/core/job-result-op, job-results-async-one."""
    job = request.services.jobs.get(request.matchdict["job"])
    found, _ = request.services.results.get_output(job, request.matchdict["output"])
    return _answer_output(request, found, query)


def get_output_part(request: Request, query: Query) -> Response:
    """`/jobs/{id}/results/{output}/{path}`: an item of an array, or a file of a folder.

    Or an output whose id has slashes. A folder that is an item has its files below it.
    """
    job = request.services.jobs.get(request.matchdict["job"])
    path = "/".join((request.matchdict["output"], *request.matchdict["path"]))
    found, rest = request.services.results.get_output(job, path)
    index, _, below = rest.partition("/")
    is_item = is_array(found) and _INDEX.match(index) is not None
    if is_item:
        found, rest = get_item(found, int(index)), below
    if rest:
        return answer_member(request, found, rest)
    return _answer_output(request, found, query, is_item)


def _answer_output(request: Request, found: JobResults, query: Query, is_item: bool = False) -> Response:
    first, alone, wants_json = found.results[0], len(found.results) == 1, query["f"] == "json"
    if request.form == HTML and not holds_html(found):
        return _page(request, found, f"Output {first.output}")
    if alone and is_folder_result(first):
        kind = JSON if wants_json else choose(request, forms_of(first))
        return answer_folder(request, found.job, first, kind)
    if alone and not wants_json and _takes_itself(request, found):
        return _answer_one(request, first)
    if not wants_json and not acceptable(request, [JSON]):
        own = _own_type(found)
        raise NotAcceptable(f"Output '{first.output}' is offered as {own}, {JSON} and {HTML}.")
    if is_item:  # alone, not as an array of one
        found = replace(found, results=(replace(first, index=None),))
    return _answer_document(request, found, None, [])


def _takes_itself(request: Request, found: JobResults) -> bool:
    """Whether the client takes the single result as itself, or its value as JSON."""
    own = _own_type(found)
    if acceptable(request, [own]):
        return True
    return found.results[0].path is None and prefers_json(request, own)


def _bodies(request: Request) -> ResultBodies:
    return ResultBodies(request.urls, request.services.results.open, request.settings.limits.inline_bytes)


def _inliner(request: Request, execution: Execution, preference: str | None) -> Callable[[Result], bool]:
    limit = request.settings.limits.inline_bytes
    return lambda result: by_value(execution, result, preference, limit)


def _own_type(found: JobResults) -> str:
    """Media type of the single result, as itself."""
    return own_type(found.results[0]) if found.results else JSON


def _result_link(request: Request, job: Job, result: Result) -> Link:
    return Link(request.urls.result(job.id, result), OGC + "results", own_type(result), result.output)


def _page(request: Request, found: JobResults, title: str) -> Response:
    return body_answer(render_page(title, results_page(found, request.urls), request.urls.base), HTML)
