"""Web pages of other origins: what they may do here, and how their browsers are told.

A browser lets a page read an answer of another origin only if the answer says so, and asks before it sends what a form
could not send. Source: WHATWG Fetch, "CORS protocol".
"""

from collections.abc import Callable

from pyramid.response import Response

from weaver_like.faces.request import Request

_READS = ("GET", "HEAD")
#: Header fields that a page may send, besides those that every page may. A token in `authorization` is its own: unlike
#: cookies and passwords that the browser keeps, it lends the page nobody else's rights.
_MAY_SEND = "content-type, prefer, authorization, range"
#: Header fields that a page may read, besides those that every page may.
_MAY_READ = ", ".join(
    (
        "Location",
        "Link",
        "Preference-Applied",
        "Content-Disposition",
        "Retry-After",
        "ETag",
        "Accept-Ranges",
        "Content-Range",
    )
)
_PREFLIGHT = {"Access-Control-Allow-Headers": _MAY_SEND, "Access-Control-Max-Age": "3600"}


class Origins:
    """The origins whose pages may call this server.

    Args:
        origins: as browsers spell them; with "*" pages of any other origin may read, without credentials.
    """

    def __init__(self, origins: frozenset[str]):
        self._listed = origins - {"*"}
        self._any_reads = "*" in origins

    def trusts(self, origin: str) -> bool:
        """Whether pages of an origin may do all that a page of this server may."""
        return origin in self._listed

    def mark(self, request: Request, response: Response) -> None:
        """Tell the browser whether the page may read this answer, and after a preflight what it may send."""
        headers = response.headers
        if self._listed:  # a cache must not give the answer for one origin to pages of another
            headers["Vary"] = ", ".join([*headers.getall("Vary"), "Origin"])
        announced = request.headers.get("Access-Control-Request-Method")
        is_preflight = request.method == "OPTIONS" and announced is not None
        method = announced if is_preflight else request.method
        origin = request.headers.get("Origin", "")
        if self.trusts(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
        elif self._any_reads and method in _READS:
            headers["Access-Control-Allow-Origin"] = "*"
        else:
            return
        if not is_preflight:
            headers["Access-Control-Expose-Headers"] = _MAY_READ
            return
        headers.update(_PREFLIGHT)
        allowed = headers.get("Allow", "") if self.trusts(origin) else ", ".join(_READS)
        headers["Access-Control-Allow-Methods"] = allowed


def mark_answers(handler: Callable[[Request], Response], _registry: object) -> Callable[[Request], Response]:
    """A tween, above the one that renders errors: a page must be able to read those too."""

    def tween(request: Request) -> Response:
        response = handler(request)
        request.registry.origins.mark(request, response)
        return response

    return tween
