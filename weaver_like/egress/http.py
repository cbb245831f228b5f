"""An HTTP client that connects only where the guard allows it."""

import re
import socket

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError, ProtocolError

from weaver_like import __version__
from weaver_like.egress.guard import Guard

#: What urllib3 and the system put before their reasons: `Plain(host='a', port=80): [Errno 111] `.
_INNER = re.compile(r"\b\w+\(host='[^']*', port=\w+\): |\[Errno -?\d+\] ")


def reason_of(error: Exception) -> str:
    """Why a request failed, at most 300 characters, without the names of classes."""
    told = error.args[0] if isinstance(error, ProtocolError) and error.args else getattr(error, "reason", None) or error
    return _INNER.sub("", str(told))[:300].rstrip(".")


class GuardedClient:
    """urllib3, with every connection made to an address that was checked just before.

    Proxies of the environment are not used. Redirects are not followed here: the caller checks each target.
    """

    def __init__(self, guard: Guard, timeout_s: float):
        self.guard = guard
        self._timeout = urllib3.Timeout(connect=min(10.0, timeout_s), read=timeout_s)
        self._pools = urllib3.PoolManager(
            num_pools=20, headers={"User-Agent": f"weaver-like/{__version__}"}, retries=False
        )
        self._pools.pool_classes_by_scheme = _guarded_pools(guard)

    def open(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request; the body of the answer is not read yet.

        Raises: FetchFailed, if the guard refuses; urllib3.exceptions.HTTPError.
        """
        self.guard.check_url(url)
        return self._pools.request(
            method, url, body=body, headers=headers, timeout=self._timeout, redirect=False, preload_content=False
        )


def _guarded_pools(guard: Guard) -> dict[str, type]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, guard)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, guard)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connect(connection: HTTPConnection, guard: Guard) -> socket.socket:
    """Resolve once, check every address, and connect to one of these only."""
    host, port = connection._dns_host.strip("[]"), connection.port
    timeout_s = connection.timeout if isinstance(connection.timeout, (int, float)) else 10
    failure: OSError | None = None
    try:
        for family, kind, protocol, _name, address in guard.resolve(host, port):
            attempt = socket.socket(family, kind, protocol)
            try:
                attempt.settimeout(timeout_s)
                attempt.connect(address)
                return attempt
            except OSError as error:
                attempt.close()
                failure = error
    except OSError as error:
        failure = error
    raise NewConnectionError(connection, str(failure or "no address"))
