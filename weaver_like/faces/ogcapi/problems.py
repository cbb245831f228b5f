"""Errors -> problem documents, as JSON or HTML; also the framework's own refusals."""

import logging

from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException
from pyramid.response import Response

from weaver_like.domain.errors import (
    InvalidInput,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ProcessExists,
    UnsupportedMediaType,
    WeaverError,
)
from weaver_like.domain.formats import HTML
from weaver_like.faces.ogcapi.answer import body_answer
from weaver_like.faces.ogcapi.documents.job import render_problem
from weaver_like.faces.ogcapi.negotiate import problem_type
from weaver_like.faces.pages.render import render_page
from weaver_like.faces.request import Request
from weaver_like.schemas.jsontext import dumps

log = logging.getLogger(__name__)
_BY_STATUS: dict[int, type[WeaverError]] = {
    400: InvalidInput,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    415: UnsupportedMediaType,
}


def on_error(error: WeaverError, request: Request) -> Response:
    """Answer with one of our own errors."""
    kind = problem_type(request)
    # After a synchronous execution this is the only way to the log and the steps of the job.
    instance = request.urls.job(error.job_id) if error.job_id else None
    document = render_problem(error, instance)
    headers = []
    if error.retry_after_s is not None:
        headers.append(("Retry-After", str(error.retry_after_s)))
    if isinstance(error, ProcessExists) and error.process_id:
        headers.append(("Location", request.urls.process(error.process_id)))
    if kind == HTML:
        return body_answer(render_page(error.title, document, request.urls.base), HTML, error.status, headers)
    return body_answer(dumps(document), kind, error.status, headers)


def on_http_exception(refusal: HTTPException, request: Request) -> Response:
    """Answer with a refusal of the framework: no route, wrong method."""
    if refusal.status_int < 400:
        return refusal
    detail = _detail(refusal, request)
    if refusal.status_int in _BY_STATUS:
        error = _BY_STATUS[refusal.status_int](detail)
    else:
        error = WeaverError(detail)
        error.status, error.title = refusal.status_int, refusal.title  # instance attributes: of this answer only
    response = on_error(error, request)
    if "Allow" in refusal.headers:
        response.headers["Allow"] = refusal.headers["Allow"]
    return response


def _detail(refusal: HTTPException, request: Request) -> str:
    if refusal.status_int == 404:
        return "There is nothing at this path; the landing page links to everything that there is."
    if refusal.status_int == 405:
        allowed = refusal.headers.get("Allow", "another method")
        return f"Expected {allowed}, got {request.method[:20]}."
    return str(refusal.detail or refusal.explanation or refusal.title)


def on_bad_url(_error: URLDecodeError, request: Request) -> Response:
    """Refuse a path that is not UTF-8."""
    return on_error(InvalidInput("The path of the URL is not UTF-8."), request)


def on_exception(error: Exception, request: Request) -> Response:
    """The last resort: a fault of our own, whose text stays in the log."""
    log.error("%s %s failed", request.method, request.environ.get("PATH_INFO", ""), exc_info=error)
    return on_error(WeaverError("The server failed to answer this request; its log says why."), request)
