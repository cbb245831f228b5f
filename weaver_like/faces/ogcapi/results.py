"""Results: the form of an answer is chosen here, in one place. The table is in docs/conformance.rst."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.execution import Execution, ResponseForm, Transmission
from weaver_like.domain.formats import is_json
from weaver_like.domain.job import Job
from weaver_like.domain.links import OGC, PROFILE_RESULTS, Link
from weaver_like.domain.prefer import parse_prefer
from weaver_like.domain.results import Result
from weaver_like.domain.status import Status
from weaver_like.faces.html.render import render_page
from weaver_like.faces.ogcapi.answer import as_page, body_answer, read_query
from weaver_like.faces.ogcapi.folders import FORMS, answer_folder, is_folder_result
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose, prefers_html, prefers_json
from weaver_like.faces.ogcapi.parts import multipart_body, results_entries, value_body
from weaver_like.faces.ogcapi.stream import file_answer, stream_answer
from weaver_like.jobs.results import JobResults, by_value, get_output, get_results
from weaver_like.schemas.query import PLAIN, RESULTS

_PROFILE_NAMES = (PROFILE_RESULTS, PROFILE_RESULTS.replace("https:", "http:"), "ogc-results")


class Form(StrEnum):
    RAW = "raw"
    LINKS = "links"
    MULTIPART = "multipart"
    DOCUMENT = "document"


def get_job_results(request: Request) -> Response:
    """/req/core/job-results and the rest of it."""
    query = read_query(request, RESULTS)
    return answer_results(request, request.runtime.jobs.get(request.matchdict["job"]), query)


def answer_results(request: Request, job: Job, query: Mapping, *, asked: Execution | None = None) -> Response:
    """The results of a job that has ended. asked: the execute request, if this is the synchronous answer to it.

    Raises: what `get_results` raises.
    """
    rt, fresh = request.runtime, asked is not None
    if fresh and job.status is Status.SUCCESSFUL and asked.outputs == {}:
        return _with_monitor(request, job, Response(status=204, headerlist=[]))
    found = get_results(rt, job, query.get("outputs"))
    if prefers_html(request, query["f"]) and not _is_html(found):
        response = body_answer(
            render_page(f"Results of job {job.id}", as_page(_page(request, found)), request.urls), HTML
        )
    else:
        response = _render(
            request, found, choose_form(request, found, query, fresh), _preference(request, found.execution, fresh)
        )
    return _with_monitor(request, job, response) if fresh else response


def choose_form(request: Request, found: JobResults, query: Mapping, fresh: bool) -> Form:
    """Two editions, one request: 1.0 wins unless the request shows 2.0. The rows of docs/conformance.rst, in order."""
    execution, several = found.execution, len(found.requested) > 1
    if not found.results:
        return Form.DOCUMENT  # a multipart body without parts is none (RFC 2046, 5.1.1)
    if execution.response is ResponseForm.DOCUMENT or _wants_results_profile(request, query) or query["f"] == "json":
        return Form.DOCUMENT
    if several and _preference(request, execution, fresh) and execution.response is None:
        return Form.DOCUMENT
    if several and not _shows_first_edition(execution) and prefers_json(request, "multipart/related"):
        return Form.DOCUMENT
    if (
        not fresh
        and not _single_json(found)
        and prefers_json(request, "multipart/related" if several else _own_type(request, found))
    ):
        return Form.DOCUMENT
    if found.results and all(_by_reference(execution, result) for result in found.results):
        return Form.LINKS
    single = not several and len(found.results) == 1
    return Form.RAW if single else Form.MULTIPART


def _render(request: Request, found: JobResults, form: Form, preference: str | None) -> Response:
    if form is Form.RAW and is_folder_result(found.results[0]):
        return answer_folder(request, found.job, found.results[0], _folder_form(request, found))
    if form is Form.RAW:
        return answer_one(request, found.results[0])
    if form is Form.LINKS:
        return Response(
            status=204,
            headerlist=[("Link", _result_link(request, found.job, result).header()) for result in found.results],
        )
    if form is Form.MULTIPART:
        body = multipart_body(
            request.runtime, request.urls, found, lambda result: _by_reference(found.execution, result)
        )
        return stream_answer(request, body)
    body = results_entries(request.runtime, request.urls, found, _inliner(request, found.execution, preference))
    return stream_answer(request, body, [("Link", Link(PROFILE_RESULTS, "profile").header())])


def _folder_form(request: Request, found: JobResults) -> str:
    """As the execute request wants that output, else as the header Accept says, else a listing."""
    wanted = (found.execution.outputs or {}).get(found.results[0].output)
    if wanted is not None and wanted.format.media_type in FORMS:
        return wanted.format.media_type
    offered = request.accept.acceptable_offers(list(FORMS))
    return offered[0][0] if offered else JSON


def answer_one(request: Request, result: Result) -> Response:
    """One result as itself. Source: /req/core/process-execute-sync-raw-value-one."""
    if result.path is not None:
        return file_answer(request, request.runtime.area.get(result.path), result.format.media_type)
    body, media_type = value_body(request.urls, result)
    if media_type == "text/plain" and prefers_json(request, media_type):
        body, media_type = value_body(request.urls, result, as_json=True)
    return body_answer(body, media_type)


def get_job_output(request: Request) -> Response:
    """`/jobs/{id}/results/{output}`: negotiated. Source: 2.0 draft, /req/core/job-result-op, job-results-async-one."""
    query = read_query(request, PLAIN)
    job = request.runtime.jobs.get(request.matchdict["job"])
    results = get_output(request.runtime, job, request.matchdict["output"])
    requested = JobResults(job, request.runtime.jobs.get_documents(job.id).execution, (results[0].output,), results)
    if prefers_html(request, query["f"]) and not _is_html(requested):
        return body_answer(
            render_page(f"Output {results[0].output}", as_page(_page(request, requested)), request.urls), HTML
        )
    if len(results) == 1 and is_folder_result(results[0]):
        return answer_folder(request, job, results[0], JSON if query["f"] == "json" else choose(request, FORMS, None))
    own = _own_type(request, requested)
    accepted = "HTTP_ACCEPT" not in request.environ or bool(
        request.accept.acceptable_offers([str(own).partition(";")[0]])
    )
    if (
        query["f"] != "json"
        and len(results) == 1
        and (accepted or (results[0].path is None and prefers_json(request, str(own))))
    ):
        return answer_one(request, results[0])
    if query["f"] != "json" and not request.accept.acceptable_offers([JSON]):
        raise NotAcceptable(f"Output '{results[0].output}' is '{own}'; it can also be had as {JSON} and {HTML}.")
    return stream_answer(
        request, results_entries(request.runtime, request.urls, requested, _inliner(request, requested.execution, None))
    )


def _by_reference(execution: Execution, result: Result) -> bool:
    wanted = (execution.outputs or {}).get(result.output)
    return wanted is not None and wanted.transmission is Transmission.REFERENCE


def _inliner(request: Request, execution: Execution, preference: str | None) -> Callable[[Result], bool]:
    limit = request.runtime.settings.limits.inline_bytes
    return lambda result: by_value(execution, result, preference, limit)


def _preference(request: Request, execution: Execution, fresh: bool) -> str | None:
    asked = None if fresh else parse_prefer(request.headers.get("Prefer")).return_
    return asked or execution.return_preference


def _wants_results_profile(request: Request, query: Mapping) -> bool:
    accept = request.environ.get("HTTP_ACCEPT", "")
    return any(name in _PROFILE_NAMES for name in query.get("profile", ())) or "ogc-results" in accept


def _shows_first_edition(execution: Execution) -> bool:
    """True if the request has a member that only 1.0 has."""
    return execution.response is not None or any(
        wanted.transmission is not None for wanted in (execution.outputs or {}).values()
    )


def _single_json(found: JobResults) -> bool:
    """True if the one result, as itself, is JSON already."""
    if len(found.requested) != 1 or len(found.results) != 1:
        return False
    result = found.results[0]
    return (
        is_json(result.format.media_type)
        if result.path
        else not result.format.media_type or is_json(result.format.media_type)
    )


def _own_type(request: Request, found: JobResults) -> str:
    """Media type of the one result, as itself."""
    if not found.results:
        return JSON
    return found.results[0].format.media_type or value_body(request.urls, found.results[0])[1]


def _is_html(found: JobResults) -> bool:
    return len(found.results) == 1 and found.results[0].format.media_type == HTML


def _result_link(request: Request, job: Job, result: Result) -> Link:
    return Link(request.urls.result(job.id, result), OGC + "results", result.format.media_type, result.output)


def _with_monitor(request: Request, job: Job, response: Response) -> Response:
    """/req/core/job-results-success-sync; see the setting for why not always."""
    wish = request.runtime.settings.server.monitor_link
    if wish == "always" or (wish == "asked" and ("Prefer" in request.headers or response.status_int == 204)):
        response.headers.add("Link", Link(request.urls.job(job.id), "monitor").header())
    return response


def _page(request: Request, found: JobResults) -> dict:
    """Results for human readers: small values and texts are shown, everything else is a link."""
    page: dict = {}
    for result in found.results:
        link = {
            "href": request.urls.result(found.job.id, result),
            "type": result.format.media_type or JSON,
            "size (bytes)": result.size_bytes,
        }
        shown = result.path is None and result.size_bytes < 20000
        page.setdefault(result.output, []).append({"value": request.urls.value(result)} | link if shown else link)
    here = request.urls.job(found.job.id)
    links = [*request.urls.twins(f"{here}/results"), Link(here, "up", JSON)]
    return {name: entries[0] if len(entries) == 1 else entries for name, entries in page.items()} | {
        "links": [{"href": link.href, "rel": link.rel, "type": link.type} for link in links]
    }
