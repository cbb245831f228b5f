"""Answers: a document, in the form that was negotiated; or a body that has only one form."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.links import Link
from weaver_like.faces.pages.render import render_page
from weaver_like.schemas.jsontext import dumps

#: Names and values, in order; a name may come several times.
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Document:
    """What a view answers with, before it has a form.

    Args:
        content: the document, or what makes it: a rendered one may be at hand already.
        key: the rendered JSON may be kept under this key as long as the offer stays; None: it is never kept.
    """

    title: str
    content: dict[str, Any] | Callable[[], dict[str, Any]]
    status: int = 200
    links: tuple[Link, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    key: Hashable = None

    def made(self) -> dict[str, Any]:
        return self.content() if callable(self.content) else self.content


def render_document(request: Request, document: Document, form: str) -> Response:
    """form: JSON or HTML."""
    headers = [*(("Link", link.header()) for link in document.links), *document.headers]
    if form == HTML:
        body = render_page(document.title, document.made(), request.urls.base)
    elif document.key is None:
        body = dumps(document.made())
    else:
        state = request.services.processes.state
        body = request.registry.memo.get(state, document.key, lambda: dumps(document.made()))
    return body_answer(body, form, document.status, headers)


def body_answer(body: bytes, media_type: str, status: int = 200, headers: Headers = ()) -> Response:
    """An answer whose body is at hand; its form depends on what was asked, so caches must look at Accept."""
    full = media_type
    if media_type.startswith("text/") and "charset" not in media_type:
        full = f"{media_type}; charset=utf-8"
    response = Response(status=status, headerlist=[("Content-Type", full), ("Vary", "Accept"), *headers])
    response.body = body
    return response


def json_answer(document: dict[str, Any], status: int = 200, headers: Headers = ()) -> Response:
    """A document that has no other form."""
    return body_answer(dumps(document), JSON, status, headers)
