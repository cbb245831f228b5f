"""Addresses in documents: what a reference leads to, and what lies below a folder."""

import posixpath
from urllib.parse import quote, unquote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}


def join(base: str, href: str) -> str:
    """The address that a reference leads to, without its fragment. Raises: ValueError.

    Source: RFC 3986 section 5; keys of S3 stand in their addresses as they are.
    """
    if not _is_s3(base) or urlsplit(href).scheme:
        return urljoin(base, href).partition("#")[0]
    bucket, _, key = base[len("s3://") :].partition("/")
    joined = urljoin(f"http://{bucket}/{quote(key)}", href)
    return f"s3://{bucket}{unquote(urlsplit(joined).path)}"


def path_below(page: str, address: str) -> str | None:
    """The decoded path from the folder of a page to an address below it; empty for that folder itself.

    None: it does not lie below, or it has a query.
    Raises: ValueError.
    """
    here, there = urlsplit(page), urlsplit(address)
    if there.query or origin_of(page) != origin_of(address):
        return None
    folder = [unquote(part) for part in here.path.split("/")[:-1]]
    parts = [unquote(part) for part in there.path.split("/")]
    if parts[: len(folder)] != folder:
        return None
    return "/".join(parts[len(folder) :])


def origin_of(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises: ValueError. Source: RFC 6454 section 4."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def name_of(address: str) -> str:
    """The decoded last name in an address; empty if it has none. A slash at its end does not count."""
    if _is_s3(address):
        path = address[len("s3://") :].partition("/")[2]
    else:
        path = unquote(urlsplit(address).path)
    return posixpath.basename(path.rstrip("/"))


def _is_s3(address: str) -> bool:
    return address[:5].lower() == "s3://"
