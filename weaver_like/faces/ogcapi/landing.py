"""`/`, `/conformance`, `/api`."""

from pyramid.response import Response

from weaver_like.domain.formats import HTML, JSON
from weaver_like.faces.ogcapi.answer import Document, body_answer
from weaver_like.faces.ogcapi.definition.conformance import render_conformance, render_landing
from weaver_like.faces.ogcapi.definition.openapi import render_openapi
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.urls import OPENAPI
from weaver_like.faces.ogcapi.negotiate import choose
from weaver_like.faces.pages.api import api_page
from weaver_like.faces.pages.render import render_page
from weaver_like.faces.request import Request
from weaver_like.schemas.jsontext import dumps


def get_landing(request: Request, query: Query) -> Document:
    """/req/core/landingpage-op."""
    server = request.settings.server
    return Document(server.title, render_landing(server.title, server.description, request.urls))


def get_conformance(request: Request, query: Query) -> Document:
    """/req/core/conformance-op."""
    return Document("Conformance", render_conformance(request.services.deployments.runs_images))


def get_api(request: Request, query: Query) -> Response:
    """/req/core/api-definition-op, /req/oas30/oas-definition-1. As plain JSON for those who ask for that."""
    kind = choose(request, (OPENAPI, JSON, HTML), query["f"])
    processes = request.services.processes

    def render() -> bytes:
        server, operations = request.settings.server, request.registry.operations
        offered = processes.find_all()
        types = request.services.deployments.media_types
        return dumps(render_openapi(operations, offered, types, request.urls, server))

    definition = request.registry.memo.get(processes.state, ("api", request.urls.base), render)
    if kind == HTML:
        return body_answer(render_page("API", api_page(definition), request.urls.base), HTML)
    return body_answer(definition, kind)
