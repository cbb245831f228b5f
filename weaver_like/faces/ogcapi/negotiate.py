"""Choosing the form of an answer: `f`, then Accept."""

from collections.abc import Sequence

from webob.acceptparse import AcceptValidHeader, create_accept_header

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.formats import HTML, JSON, essence, parameters, same_type
from weaver_like.faces.request import Request

PROBLEM = "application/problem+json"


def acceptable(request: Request, offers: Sequence[str]) -> list[tuple[str, float]]:
    """Those media types of `offers` that the header Accept takes, with their weights, best first; without one all.

    A parameter counts only where both give it: `application/json; charset=utf-8` asks for JSON and nothing else.
    Source: RFC 9110 section 12.5.1.
    """
    accept = request.environ.get("HTTP_ACCEPT")
    header = create_accept_header(accept or None)
    if not isinstance(header, AcceptValidHeader):
        return [(offer, 1.0) for offer in offers]
    ranges = [(str(entry[0]), float(entry[1])) for entry in header.parsed]
    weighted = [(offer, _weight(offer, ranges)) for offer in offers]
    return sorted([entry for entry in weighted if entry[1]], key=lambda entry: -entry[1])


def _weight(offer: str, ranges: list[tuple[str, float]]) -> float:
    """The weight that the most specific of the media ranges gives to an offer; 0 if none takes it."""
    found = [(_specificity(media_range, offer), weight) for media_range, weight in ranges]
    specificity, weight = max(found, default=(0, 0.0))
    return weight if specificity else 0.0


def _specificity(media_range: str, offer: str) -> int:
    """How closely a media range describes an offer; 0 if it is for others."""
    kind = essence(media_range)
    if kind == "*/*":
        return 1
    if kind.endswith("/*"):
        return 2 if essence(offer).startswith(kind[:-1]) else 0
    full = _spelt_out(offer)
    if not same_type(media_range, full):
        return 0
    asked = parameters(media_range)
    if asked.keys() <= parameters(full).keys():
        return 4 + len(asked)
    return 3


def _spelt_out(offer: str) -> str:
    """Texts are sent as UTF-8; JSON has no other encoding, and `charset` means nothing there (RFC 8259 section 11)."""
    if offer.startswith("text/") and "charset" not in offer:
        return f"{offer};charset=utf-8"
    return offer


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
    found = acceptable(request, [essence(offer) for offer in offers])
    if not found:
        raise NotAcceptable(f"Expected an Accept header that takes one of {', '.join(offers)}, got '{accept[:200]}'.")
    return next(offer for offer in offers if essence(offer) == found[0][0])


def form_of(f: str) -> str:
    """The media type that the query parameter `f` asks for."""
    return HTML if f == "html" else JSON


def prefers_json(request: Request, other: str, json: str = JSON) -> bool:
    """Whether Accept names JSON (or `json`, another form of it) and likes it better than the media type `other`."""
    if json not in request.environ.get("HTTP_ACCEPT", "").lower():
        return False
    liked = dict(acceptable(request, [other, json]))
    return liked.get(json, 0) > liked.get(other, 0)


def prefers_html(request: Request, f: str | None = None) -> bool:
    """Whether the client asks for HTML by name and likes JSON no better."""
    if f is not None:
        return f == "html"
    accept = request.environ.get("HTTP_ACCEPT", "")
    if HTML not in accept.lower():
        return False
    found = acceptable(request, [HTML, JSON])
    return bool(found) and found[0][0] == HTML


def problem_type(request: Request) -> str:
    """Media type of an error. A client that asks for JSON by name, and not for problem details, gets what it asked for.

    Source: RFC 9457; the official test suite insists on application/json where it accepts that.
    """
    if prefers_html(request):
        return HTML
    named = [essence(part) for part in request.environ.get("HTTP_ACCEPT", "").split(",")]
    if JSON in named and PROBLEM not in named and acceptable(request, [JSON]):
        return JSON
    return PROBLEM
