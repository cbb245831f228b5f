"""Who the client is and what it asked for, as the reverse proxies before this server report it."""

import ipaddress
import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

#: Of a WSGI request: header fields as `HTTP_...`, the rest as PEP 3333 names it.
Environ = MutableMapping[str, Any]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_FORWARDED = ("FOR", "PROTO", "HOST", "PORT", "PREFIX")
_PORTS = {"http": "80", "https": "443"}
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+\Z")
_PORT = re.compile(r"[0-9]{1,5}\Z")


class Proxies:
    """WSGI middleware that believes the X-Forwarded-* headers of trusted proxies, below any HTTP server.

    Each proxy adds its value at the right end of a header, or replaces the header. So the values from the right end up
    to the outermost proxy's own were written by proxies; those left of them may come from anybody and are not read.
    The application sees no X-Forwarded-* header at all, and no `Forwarded` (RFC 7239), which is not supported.

    Args:
        hops: number of trusted proxies; 0 believes nothing.
    """

    def __init__(self, wsgi: WsgiApplication, hops: int):
        self._wsgi = wsgi
        self._hops = hops

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        forwarded = {name: self._outermost(environ.pop(f"HTTP_X_FORWARDED_{name}", "")) for name in _FORWARDED}
        environ.pop("HTTP_FORWARDED", None)
        _apply(environ, forwarded)
        return self._wsgi(environ, start_response)

    def _outermost(self, header: str) -> str:
        """The value that the outermost trusted proxy wrote; empty if there is none."""
        if not self._hops:
            return ""
        values = [value.strip() for value in header.split(",")]
        return values[-self._hops :][0]


def _apply(environ: Environ, forwarded: dict[str, str]) -> None:
    """Put forwarded values in place; malformed ones are left out. The host is checked later, as that of any request."""
    try:
        environ["REMOTE_ADDR"] = str(ipaddress.ip_address(forwarded["FOR"].strip("[]")))
    except ValueError:
        pass
    scheme = forwarded["PROTO"].lower()
    if scheme in _PORTS:
        environ["wsgi.url_scheme"] = scheme
    if forwarded["HOST"]:
        environ["HTTP_HOST"] = forwarded["HOST"]
    if _PORT.match(forwarded["PORT"]) and "HTTP_HOST" in environ:
        _set_port(environ, forwarded["PORT"])
    prefix = forwarded["PREFIX"].rstrip("/")
    if _PREFIX.match(prefix):
        environ["SCRIPT_NAME"] = prefix


def _set_port(environ: Environ, port: str) -> None:
    host = re.sub(r":[0-9]*\Z", "", environ["HTTP_HOST"])
    if port != _PORTS[environ["wsgi.url_scheme"]]:
        host = f"{host}:{port}"
    environ["HTTP_HOST"] = host
