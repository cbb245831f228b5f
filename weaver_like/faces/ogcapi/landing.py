"""`/`, `/conformance`, `/api`."""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.faces.html.render import render_page
from weaver_like.faces.ogcapi.answer import answer, body_answer, read_query
from weaver_like.faces.ogcapi.definition.conformance import render_conformance, render_landing
from weaver_like.faces.ogcapi.definition.openapi import render_openapi, render_openapi_page
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import PLAIN
from weaver_like.schemas.urls import OPENAPI


def get_landing(request: Request) -> Response:
    """/req/core/landingpage-op."""
    query = read_query(request, PLAIN)
    server = request.runtime.settings.server
    return answer(
        request, render_landing(server.title, server.description, request.urls), title=server.title, f=query["f"]
    )


def get_conformance(request: Request) -> Response:
    """/req/core/conformance-op."""
    query = read_query(request, PLAIN)
    return answer(request, render_conformance(request.runtime.deployer.runs_images), title="Conformance", f=query["f"])


def get_api(request: Request) -> Response:
    """/req/core/api-definition-op, /req/oas30/oas-definition-1. Plain JSON for those who ask for that."""
    query = read_query(request, PLAIN)
    server = request.runtime.settings.server
    kind = choose(request, (OPENAPI, JSON, HTML), query["f"])
    document = request.registry.memo.get(
        request.runtime,
        ("api", request.urls.base),
        lambda snapshot: dumps(
            render_openapi(
                [entry.process for entry in snapshot.entries.values()], request.urls, server.title, server.description
            )
        ),
    )
    if kind == HTML:
        return body_answer(render_page("API", render_openapi_page(document), request.urls), HTML)
    return body_answer(document, JSON if query["f"] == "json" else kind)
