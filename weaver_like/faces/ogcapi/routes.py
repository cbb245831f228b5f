"""The routes of the face: before the view of an operation, its query is parsed and the form of its answer chosen."""

from collections.abc import Callable

from cornice import Service
from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException
from pyramid.response import Response

from weaver_like.domain.errors import NotAcceptable, WeaverError
from weaver_like.domain.formats import HTML, JSON
from weaver_like.faces.memo import Memo
from weaver_like.faces.ogcapi import problems
from weaver_like.faces.ogcapi.answer import Document, render_document
from weaver_like.faces.ogcapi.definition.operation import Operation
from weaver_like.faces.ogcapi.documents.query import parse_query
from weaver_like.faces.ogcapi.negotiate import choose, prefers_html
from weaver_like.faces.ogcapi.operations import OPERATIONS
from weaver_like.faces.request import Request


class Endpoint(Service):  # type: ignore[misc]  # cornice has no types
    """A cornice service without its own checks of bodies: ours answer with problem documents."""

    default_validators: list[object] = []
    default_filters: list[object] = []


def includeme(config: Configurator) -> None:
    """Register every operation, and the views of errors.

    The latter serve every path that no other face claims: it registers its own with the predicate `path_info`.
    """
    config.registry.memo, config.registry.operations = Memo(), OPERATIONS
    services: dict[str, Endpoint] = {}
    for operation in OPERATIONS:
        path = operation.path.replace("{path}", "*path")
        service = services.setdefault(path, Endpoint(name=operation.path, path=path))
        service.add_view(operation.method.upper(), answering(operation))
    for service in services.values():
        service.add_view("OPTIONS", telling_methods(service))
        config.add_cornice_service(service)
    config.add_exception_view(problems.on_error, context=WeaverError)
    config.add_exception_view(problems.on_http_exception, context=HTTPException)
    config.add_exception_view(problems.on_bad_url, context=URLDecodeError)
    config.add_exception_view(problems.on_exception, context=Exception)
    config.add_notfound_view(problems.on_http_exception, append_slash=False)
    config.add_forbidden_view(problems.on_http_exception)


def telling_methods(service: Endpoint) -> Callable[[Request], Response]:
    """The view of OPTIONS on a path. Source: RFC 9110 section 9.3.7."""

    def answer(_request: Request) -> Response:
        return Response(status=204, headerlist=[("Allow", ", ".join(service.defined_methods))])

    return answer


def answering(operation: Operation) -> Callable[[Request], Response]:
    """The view of an operation's route; it sets `request.form`."""

    def answer(request: Request) -> Response:
        text = request.environ.get("QUERY_STRING", "")
        query = parse_query(text, operation.query, request.settings.server)
        request.form, refusal = _negotiate(request, operation, query["f"])
        if refusal is not None and operation.method != "get":
            raise refusal  # nothing may change if the client takes no answer that says so
        found = operation.view(request, query)
        if refusal is not None:
            raise refusal  # only now: 404 goes before 406
        if isinstance(found, Document):
            return render_document(request, found, request.form)
        return found

    return answer


def _negotiate(request: Request, operation: Operation, f: str | None) -> tuple[str, NotAcceptable | None]:
    """The form of a document, and why the client takes none, if so."""
    if not operation.negotiated:
        form = HTML if prefers_html(request, f) else JSON
        return form, None
    try:
        return choose(request, (JSON, HTML), f), None
    except NotAcceptable as error:
        return JSON, error
