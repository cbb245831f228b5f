"""Telling archives of folders from everything else."""

from pathlib import Path

from weaver_like.domain.formats import essence
from weaver_like.fetchers.base import Fetched

_TYPES = (
    *("application/zip", "application/x-zip-compressed", "application/x-tar", "application/tar"),
    *("application/gzip", "application/x-gzip", "application/x-bzip2", "application/x-xz"),
)
_EXTENSIONS = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
#: How ZIP, empty ZIP, gzip, bzip2 and xz begin; where tar has which letters. Source: /usr/share/misc/magic, POSIX pax.
_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_TAR, _TAR_AT = b"ustar", 257


def begins_as_archive(path: Path) -> bool:
    """True if the content of a file is that of an archive."""
    with path.open("rb") as file:
        start = file.read(_TAR_AT + len(_TAR))
    return start.startswith(_BEGINNINGS) or start[_TAR_AT:] == _TAR


def is_called_archive(fetched: Fetched, media_type: str | None) -> bool:
    """True if a file is called an archive, by the client, by the server or by its name: it may be a broken one."""
    named = fetched.name.lower().endswith(_EXTENSIONS)
    return named or any(essence(kind or "") in _TYPES for kind in (media_type, fetched.media_type))
