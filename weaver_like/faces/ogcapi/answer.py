"""Making answers: one document, as JSON or as HTML."""

from collections.abc import Iterable, Mapping

import colander
from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.links import Link
from weaver_like.faces.html.render import render_page
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import parse_query


def read_query(request: Request, schema: colander.MappingSchema) -> Mapping[str, object]:
    """Raises: InvalidQueryParameter."""
    return parse_query(request.environ.get("QUERY_STRING", ""), schema)


def answer(
    request: Request, document: dict, *, title: str, f: object = None, status: int = 200, links: Iterable[Link] = ()
) -> Response:
    """A document in the form that the client asks for. Raises: NotAcceptable."""
    kind = choose(request, (JSON, HTML), f)
    headers = [("Link", link.header()) for link in links]
    return body_answer(
        dumps(document) if kind == JSON else render_page(title, as_page(document), request.urls), kind, status, headers
    )


def as_page(document: dict) -> dict:
    """In the HTML form of a document it is the HTML form that is `self`, and JSON the alternate."""
    links = [turned for link in document.get("links", ()) for turned in _turned(link)]
    return document | {"links": links} if links else document


def _turned(link: dict) -> list[dict]:
    if (link["rel"], link.get("type")) == ("alternate", HTML):
        return [link | {"rel": "self"}]
    if (link["rel"], link.get("type")) == ("self", JSON):
        alternate = link | {"rel": "alternate"}
        # Under the same address a browser gets HTML again, so that people need one that says JSON.
        return [alternate, alternate | {"href": link["href"] + ("&" if "?" in link["href"] else "?") + "f=json"}]
    return [link]


def body_answer(body: bytes, media_type: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer whose body is at hand; its form depends on what was asked, so caches must look at Accept."""
    full = (
        f"{media_type}; charset=utf-8" if media_type.startswith("text/") and "charset" not in media_type else media_type
    )
    response = Response(status=status, headerlist=[("Content-Type", full), ("Vary", "Accept"), *headers])
    response.body = body
    return response
