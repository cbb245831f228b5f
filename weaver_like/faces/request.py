"""`Request`: what views may use of Pyramid's request, and what the edge adds to it."""

from collections.abc import Mapping
from typing import Any, Protocol

from weaver_like.domain.requester import Requester
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.services.application import Services
from weaver_like.settings import Settings


class Request(Protocol):
    """Pyramid has no types; these members of its request are the ones in use.

    Args:
        environ: of WSGI; its names are read where `headers` would cost more, or would not tell absent from empty.
        matchdict: parts of the path, by their names in the route; of the last one in `.../{path}` a tuple of segments.
        form: JSON or HTML: what a document will be; chosen before the view is called.
    """

    method: str
    host: str
    application_url: str
    body: bytes
    content_length: int | None
    environ: dict[str, Any]
    headers: Mapping[str, str]
    matchdict: Mapping[str, Any]
    GET: Mapping[str, str]
    registry: Any

    # Made by `faces/edge.py`:
    settings: Settings
    urls: Urls
    requester: Requester
    services: Services
    # Set by the wrapper of each view:
    form: str
