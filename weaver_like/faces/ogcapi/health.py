"""`/health/live`, `/health/ready`: what load balancers and container managers ask."""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.faces.ogcapi.answer import body_answer, read_query
from weaver_like.faces.ogcapi.negotiate import JSON
from weaver_like.jobs.health import OK
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import PLAIN

_UNCACHED = ("Cache-Control", "no-store")


def get_live(request: Request) -> Response:
    """200 as long as the process answers; touches nothing, for a restart would not bring a database back."""
    read_query(request, PLAIN)
    return body_answer(dumps({"status": "alive"}), JSON, headers=[_UNCACHED])


def get_ready(request: Request) -> Response:
    """200, or 503 that says which part is in trouble: requests should go to another server meanwhile."""
    read_query(request, PLAIN)
    stopping = request.runtime.engine.closing
    parts = request.registry.health.look()
    ready = not stopping and all(found == OK for found in parts.values())
    document = {"status": "ready" if ready else "not ready", **parts, "stopping": stopping}
    headers = [_UNCACHED] if ready else [_UNCACHED, ("Retry-After", "5")]
    return body_answer(dumps(document), JSON, 200 if ready else 503, headers)
