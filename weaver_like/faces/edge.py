"""The edge of every face: what a request must be, who asks, and what its views may use."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from weaver_like.domain.errors import InvalidInput, NotAuthorized, TooLarge
from weaver_like.domain.requester import ANONYMOUS
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.faces.origins import Origins
from weaver_like.faces.request import Request
from weaver_like.services.application import Application, Services
from weaver_like.settings import Settings

#: Checked because links are made of it. Source: RFC 9112 section 3.2.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
#: They change nothing. Source: RFC 9110 section 9.2.1.
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEALTH = "/health/"


def add_edge(config: Configurator, application: Application, settings: Settings) -> None:
    """Give requests `settings`, `urls`, `requester` and `services`, and check every request before its view."""

    def services(request: Request) -> Services:
        return application.services_of(request.requester)

    config.add_request_method(lambda _request: settings, "settings", property=True)
    config.add_request_method(_urls, "urls", reify=True)
    config.add_request_method(lambda _request: ANONYMOUS, "requester", reify=True)
    config.add_request_method(services, "services", reify=True)
    config.registry.application = application
    config.registry.origins = Origins(settings.cors_origins)
    config.add_tween("weaver_like.faces.edge.check_request", under=EXCVIEW)
    if settings.cors_origins:
        config.add_tween("weaver_like.faces.origins.mark_answers", over=EXCVIEW)


def check_request(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """A tween: refuses requests without a host, bodies that are too large, and changes sent by pages of other sites.

    Until the store is ready, it refuses everything but questions about health.
    """

    def tween(request: Request) -> Response:
        if not registry.application.prepared and not request.environ.get("PATH_INFO", "").startswith(_HEALTH):
            registry.application.require_store()
        _check_host(request)
        if request.method not in _SAFE:
            _check_size(request)
            _check_origin(request)
        return handler(request)

    return tween


def _check_host(request: Request) -> None:
    """HTTP/1.1 requires the header. Source: RFC 9112 section 3.2."""
    host = request.environ.get("HTTP_HOST")
    if host is None and request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return
    if not _HOST.match(host or ""):
        raise InvalidInput("The header Host is missing or does not name a host.")


def _check_size(request: Request) -> None:
    size, limit = request.content_length or 0, request.settings.limits.body_bytes
    if size > limit:
        raise TooLarge(f"The body has {size} bytes; the limit is {limit}. Send large inputs by reference.")


def _check_origin(request: Request) -> None:
    """Browsers name the page's site in every request that may change something."""
    origin = request.headers.get("Origin")
    if not origin:
        return
    own = (request.host, urlsplit(request.urls.base).netloc)
    if origin.partition("://")[2] not in own and not request.registry.origins.trusts(origin):
        raise NotAuthorized(f"Pages of '{origin[:100]}' may not change anything on this server.")


def _urls(request: Request) -> Urls:
    base = request.settings.server.url or request.application_url
    return Urls.of(request.settings, base.rstrip("/"))
