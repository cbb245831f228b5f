"""Choosing the form of an answer: `f`, then Accept."""

import re
from collections.abc import Sequence

from pyramid.request import Request
from webob.acceptparse import create_accept_header

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.formats import HTML, JSON

PROBLEM = "application/problem+json"
_VERSION = re.compile(r";\s*version=[0-9.]+")


def choose(request: Request, offers: Sequence[str], f: str | None = None) -> str:
    """The media type of `offers` (the default one first) that the client likes best.

    Raises: NotAcceptable. Source: RFC 9110 section 12.5.1.
    """
    if f is not None:
        return HTML if f == "html" else JSON
    accept = request.environ.get("HTTP_ACCEPT")
    if not accept or accept == "*/*" or accept == offers[0]:
        return offers[0]
    # The version of OpenAPI is not compared: there is one.
    found = create_accept_header(_VERSION.sub("", accept)).acceptable_offers(
        [offer.partition(";")[0] for offer in offers]
    )
    if not found:
        raise NotAcceptable(f"Expected an Accept header that takes one of {', '.join(offers)}, got '{accept[:200]}'.")
    return next(offer for offer in offers if offer.partition(";")[0] == found[0][0])


def prefers_json(request: Request, other: str, json: str = JSON) -> bool:
    """True if Accept names JSON (or another form of it) and likes it better than `other`."""
    if json not in request.environ.get("HTTP_ACCEPT", "").lower():
        return False
    liked = dict(request.accept.acceptable_offers([other.partition(";")[0], json]))
    return liked.get(json, 0) > liked.get(other.partition(";")[0], 0)


def prefers_html(request: Request, f: str | None = None) -> bool:
    """True if the client asks for HTML by name, and likes nothing else better."""
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
    accept = request.environ.get("HTTP_ACCEPT", "").lower()
    if HTML in accept and prefers_html(request):
        return HTML
    kinds = [part.partition(";")[0].strip() for part in accept.split(",")]
    wants_json = JSON in kinds and PROBLEM not in kinds and bool(request.accept.acceptable_offers([JSON]))
    return JSON if wants_json else PROBLEM
