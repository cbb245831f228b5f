"""Who the client is and what it asked for, as the reverse proxies before this server tell it."""

import ipaddress
import re
from collections.abc import Callable, Iterable, MutableMapping

_FORWARDED = ("FOR", "PROTO", "HOST", "PORT", "PREFIX")
_PORTS = {"http": "80", "https": "443"}
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+\Z")
_PORT = re.compile(r"[0-9]{1,5}\Z")


class Proxies:
    """WSGI middleware, the same below every HTTP server. hops: number of proxies whose X-Forwarded-* headers are believed; 0: none.

    Each proxy adds its value at the right end of a header, or replaces the header. So the values from the right up to the outermost
    proxy's own are written by proxies, and what stands left of them by anybody: it is not read. The application below sees no
    X-Forwarded-* header at all, and no `Forwarded` (RFC 7239), which nobody believes.
    """

    def __init__(self, wsgi: Callable, hops: int):
        self._wsgi = wsgi
        self._hops = hops

    def __call__(self, environ: MutableMapping, start_response: Callable) -> Iterable[bytes]:
        told = {name: self._outermost(environ.pop(f"HTTP_X_FORWARDED_{name}", "")) for name in _FORWARDED}
        environ.pop("HTTP_FORWARDED", None)
        _believe(environ, told)
        return self._wsgi(environ, start_response)

    def _outermost(self, header: str) -> str:
        values = [value.strip() for value in header.split(",")][-self._hops :] if self._hops else [""]
        return values[0]


def _believe(environ: MutableMapping, told: dict[str, str]) -> None:
    """What has no sense is left out; the host is checked with the application's other requests."""
    if told["FOR"]:
        try:
            environ["REMOTE_ADDR"] = str(ipaddress.ip_address(told["FOR"].strip("[]")))
        except ValueError:
            pass
    scheme = told["PROTO"].lower()
    if scheme in _PORTS:
        environ["wsgi.url_scheme"] = scheme
    if told["HOST"]:
        environ["HTTP_HOST"] = told["HOST"]
    if _PORT.match(told["PORT"]) and "HTTP_HOST" in environ:
        name = re.sub(r":[0-9]*\Z", "", environ["HTTP_HOST"])
        standard = told["PORT"] == _PORTS[environ["wsgi.url_scheme"]]
        environ["HTTP_HOST"] = name if standard else f"{name}:{told['PORT']}"
    if _PREFIX.match(told["PREFIX"].rstrip("/")):
        environ["SCRIPT_NAME"] = told["PREFIX"].rstrip("/")
