"""Inputs from http and https."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from weaver_like.domain.errors import FetchFailed, FetchTooLarge
from weaver_like.domain.ids import staged_file_name
from weaver_like.domain.masks import shown
from weaver_like.egress.http import GuardedClient, reason_of
from weaver_like.fetchers.base import CHUNK_BYTES, NO_HEADERS, Fetched, Fetcher, FetchLimits

_MAX_REDIRECTS = 5


class HttpFetcher(Fetcher):
    """Streams through the guarded client; every redirect is checked like the first URL."""

    def __init__(self, client: GuardedClient):
        self._client = client

    def check(self, uri: str) -> None:
        self._client.guard.check_url(uri)

    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        try:
            response, url = self._open(uri, limits, headers)
            try:
                return replace(self._stream(uri, response, target, limits), uri=_with_credentials(url, uri))
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, zlib.error) as error:
            raise FetchFailed(f"'{shown(uri)}' could not be read: {reason_of(error)}.") from error

    def _open(self, uri: str, limits: FetchLimits, headers: Mapping[str, str]) -> tuple[urllib3.BaseHTTPResponse, str]:
        """An answer that is no redirect, and its URL.

        Headers and credentials are sent to the first origin only, wherever that redirects to.
        """
        url, own = _without_credentials(uri)
        own |= headers
        first = _origin_of(url)
        for _ in range(_MAX_REDIRECTS + 1):
            limits.proceed()
            sent = {"Accept": "*/*", "Accept-Encoding": "identity"} | (own if _origin_of(url) == first else {})
            response = self._client.open("GET", url, headers=sent)
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                break
            response.close()
            url = _join(uri, url, location)
        else:
            raise FetchFailed(f"'{shown(uri)}' redirects more than {_MAX_REDIRECTS} times.")
        if response.status != 200:
            response.close()
            raise FetchFailed(f"'{shown(uri)}' answered with HTTP status {response.status}.")
        return response, url

    def _stream(self, uri: str, response: urllib3.BaseHTTPResponse, target: Path, limits: FetchLimits) -> Fetched:
        """Write the body to a file, and check that it is complete."""
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limits.max_bytes:
            raise FetchTooLarge(f"'{shown(uri)}' has {announced} bytes; at most {limits.max_bytes} are allowed.")
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        decoder = None if encoding == "identity" else _decoder(uri, encoding)
        size = received = 0
        with target.open("xb") as file:
            while sent := response.read(CHUNK_BYTES, decode_content=False):
                limits.proceed()
                received += len(sent)
                chunk = decoder.decompress(sent) if decoder else sent
                size += len(chunk)
                if size > limits.max_bytes:
                    raise FetchTooLarge(f"'{shown(uri)}' has more than the {limits.max_bytes} bytes that are allowed.")
                file.write(chunk)
        if (announced.isdigit() and received != int(announced)) or (decoder and not decoder.eof):
            raise FetchFailed(f"'{shown(uri)}' ended after {received} of {announced or 'more'} bytes.")
        name = _file_name(uri, response.headers.get("Content-Disposition"))
        return Fetched(response.headers.get("Content-Type"), name, size)


def _origin_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _without_credentials(uri: str) -> tuple[str, dict[str, str]]:
    """The URL without a user and a password, and the header that says them. Source: RFC 7617."""
    parts = urlsplit(uri)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return uri, {}
    name, _, password = user.partition(":")
    pair = f"{unquote(name)}:{unquote(password)}".encode()
    return parts._replace(netloc=host).geturl(), {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _with_credentials(url: str, uri: str) -> str:
    """The URL with those of another one of the same origin."""
    if _origin_of(url) != _origin_of(_without_credentials(uri)[0]):
        return url
    return urlsplit(url)._replace(netloc=urlsplit(uri).netloc).geturl()


def _decoder(uri: str, encoding: str) -> "zlib._Decompress":
    """Decompress what some servers compress although nobody asked for it. Raises: FetchFailed."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed(
            f"'{shown(uri)}' was sent with Content-Encoding '{encoding[:50]}'; expected none, gzip or deflate."
        )
    return zlib.decompressobj(wbits=47)


def _join(uri: str, url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FetchFailed(f"'{shown(uri)}' redirects to '{shown(location)}', which is not a URL.") from error


def _file_name(uri: str, disposition: str | None) -> str:
    message = Message()
    try:
        message["Content-Disposition"] = disposition or ""
        given = message.get_filename()
    except ValueError:  # not a valid header
        given = None
    return staged_file_name(given or unquote(urlsplit(uri).path))
