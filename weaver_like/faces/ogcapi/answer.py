"""Answers: a document, in the form that was negotiated; or a body that has only one form."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from pyramid.response import Response

from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.links import Link
from weaver_like.faces.pages.render import render_page
from weaver_like.faces.request import Request
from weaver_like.schemas.jsontext import JsonObject, dumps

#: Names and values, in order; a name may come several times.
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Document:
    """What a view answers with, before it has a form.

    Args:
        content: the document, or a function that makes it, called only if no rendered one is kept.
        key: the rendered JSON is kept under this key as long as the offer stays the same; None: it is never kept.
    """

    title: str
    content: JsonObject | Callable[[], JsonObject]
    status: int = 200
    links: tuple[Link, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    key: Hashable = None

    def made(self) -> JsonObject:
        """The document itself."""
        if callable(self.content):
            return self.content()
        return self.content


def render_document(request: Request, document: Document, form: str) -> Response:
    """Answer with a document. form: JSON or HTML."""
    headers = [("Link", link.header()) for link in document.links]
    headers += document.headers
    if form == HTML:
        body = render_page(document.title, document.made(), request.urls.base)
    elif document.key is None:
        body = dumps(document.made())
    else:
        state = request.services.processes.state
        body = request.registry.memo.get(state, document.key, lambda: dumps(document.made()))
    return body_answer(body, form, document.status, headers)


def body_answer(body: bytes, media_type: str, status: int = 200, headers: Headers = ()) -> Response:
    """Answer with a body that is complete; its form depends on what was asked for, so caches must look at Accept."""
    if media_type.startswith("text/") and "charset" not in media_type:
        media_type = f"{media_type}; charset=utf-8"
    response = Response(status=status, headerlist=[("Content-Type", media_type), ("Vary", "Accept"), *headers])
    response.body = body
    return response


def json_answer(document: JsonObject, status: int = 200, headers: Headers = ()) -> Response:
    """Answer with a document that has no other form than JSON."""
    return body_answer(dumps(document), JSON, status, headers)
