"""`/health/live`, `/health/ready`: what load balancers and container managers ask."""

from pyramid.response import Response

from weaver_like.faces.ogcapi.answer import json_answer
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.request import Request
from weaver_like.jobs.health import OK

_UNCACHED = ("Cache-Control", "no-store")


def get_live(request: Request, query: Query) -> Response:
    """200 as long as the server answers. No other part is looked at: a restart would not bring a database back."""
    return json_answer({"status": "alive"}, headers=[_UNCACHED])


def get_ready(request: Request, query: Query) -> Response:
    """200, or 503 with the part that is in trouble: requests should go to another server meanwhile."""
    server = request.services.server
    parts, stopping = server.look(), server.stopping
    if stopping or any(found != OK for found in parts.values()):
        document = {"status": "not ready", **parts, "stopping": stopping}
        return json_answer(document, 503, [_UNCACHED, ("Retry-After", "5")])
    return json_answer({"status": "ready", **parts, "stopping": False}, headers=[_UNCACHED])
