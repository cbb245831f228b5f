"""Inputs from http and https."""
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from weaver_like.domain.errors import FetchFailed
from weaver_like.domain.ids import safe_file_name
from weaver_like.fetchers.base import CHUNK_BYTES, Fetched, Fetcher, FetchLimits
from weaver_like.security.http import GuardedClient

_MAX_REDIRECTS = 5


class HttpFetcher(Fetcher):
    """Streams through the guarded client; every redirect is checked like the first URL."""

    schemes = ("http", "https")

    def __init__(self, client: GuardedClient):
        self._client = client

    def check(self, uri: str) -> None:
        self._client.guard.check_url(uri)

    def fetch(self, uri: str, target: Path, limits: FetchLimits) -> Fetched:
        try:
            response = self._open(uri, limits)
            try:
                return self._stream(uri, response, target, limits)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise FetchFailed(f"'{uri[:200]}' could not be read: {_reason(error)}.") from error

    def _open(self, uri: str, limits: FetchLimits) -> urllib3.BaseHTTPResponse:
        url = uri
        for _ in range(_MAX_REDIRECTS + 1):
            limits.proceed()
            response = self._client.open("GET", url, headers={"Accept": "*/*", "Accept-Encoding": "identity"})
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                break
            response.close()
            url = urljoin(url, location)
        else:
            raise FetchFailed(f"'{uri[:200]}' redirects more than {_MAX_REDIRECTS} times.")
        if response.status != 200:
            response.close()
            raise FetchFailed(f"'{uri[:200]}' answered with HTTP status {response.status}.")
        return response

    def _stream(self, uri: str, response: urllib3.BaseHTTPResponse, target: Path, limits: FetchLimits) -> Fetched:
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limits.max_bytes:
            raise FetchFailed(f"'{uri[:200]}' has {announced} bytes; at most {limits.max_bytes} are taken.")
        size = 0
        with target.open("xb") as file:
            while chunk := response.read(CHUNK_BYTES):
                limits.proceed()
                size += len(chunk)
                if size > limits.max_bytes:
                    raise FetchFailed(f"'{uri[:200]}' has more than the {limits.max_bytes} bytes that are taken.")
                file.write(chunk)
        if announced.isdigit() and size != int(announced):
            raise FetchFailed(f"'{uri[:200]}' ended after {size} of {announced} bytes.")
        return Fetched(response.headers.get("Content-Type"), _file_name(uri, response.headers.get("Content-Disposition")), size)


def _file_name(uri: str, disposition: str | None) -> str:
    message = Message()
    message["Content-Disposition"] = disposition or ""
    return safe_file_name(message.get_filename() or unquote(urlsplit(uri).path))


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    return str(getattr(error, "reason", None) or error)[:300]
