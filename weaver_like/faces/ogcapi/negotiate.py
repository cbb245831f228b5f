"""Choosing the form of an answer: `f`, then Accept."""

import re
from collections.abc import Sequence

from webob.acceptparse import create_accept_header

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.formats import HTML, JSON, essence
from weaver_like.faces.request import Request

PROBLEM = "application/problem+json"
_VERSION = re.compile(r";\s*version=[0-9.]+")


def choose(request: Request, offers: Sequence[str], f: str | None = None) -> str:
    """The media type that the client likes best among `offers`, of which the first is the default.

    Raises: NotAcceptable. Source: RFC 9110 section 12.5.1.
    """
    if f is not None:
        return form_of(f)
    accept = request.environ.get("HTTP_ACCEPT")
    if not accept or accept == "*/*" or accept == offers[0]:
        return offers[0]
    # Versions of OpenAPI are not compared: there is one.
    header = create_accept_header(_VERSION.sub("", accept))
    found = header.acceptable_offers([offer.partition(";")[0] for offer in offers])
    if not found:
        raise NotAcceptable(f"Expected an Accept header that takes one of {', '.join(offers)}, got '{accept[:200]}'.")
    return next(offer for offer in offers if offer.partition(";")[0] == found[0][0])


def form_of(f: str) -> str:
    """The media type that the query parameter `f` asks for."""
    return HTML if f == "html" else JSON


def prefers_json(request: Request, other: str, json: str = JSON) -> bool:
    """Whether Accept names JSON (or `json`, another form of it) and likes it better than the media type `other`."""
    if json not in request.environ.get("HTTP_ACCEPT", "").lower():
        return False
    other = other.partition(";")[0]
    liked: dict[str, float] = dict(request.accept.acceptable_offers([other, json]))
    return liked.get(json, 0) > liked.get(other, 0)


def prefers_html(request: Request, f: str | None = None) -> bool:
    """Whether the client asks for HTML by name and likes JSON no better."""
    if f is not None:
        return f == "html"
    accept = request.environ.get("HTTP_ACCEPT", "")
    if HTML not in accept.lower():
        return False
    found = request.accept.acceptable_offers([HTML, JSON])
    return bool(found) and found[0][0] == HTML


def problem_type(request: Request) -> str:
    """Media type of an error. A client that asks for JSON by name, and not for problem details, gets what it asked for.

    Source: RFC 9457; the official test suite insists on application/json where it accepts that.
    """
    if prefers_html(request):
        return HTML
    named = [essence(part) for part in request.environ.get("HTTP_ACCEPT", "").split(",")]
    if JSON in named and PROBLEM not in named and request.accept.acceptable_offers([JSON]):
        return JSON
    return PROBLEM
