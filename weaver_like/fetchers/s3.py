"""Inputs from the buckets that the operator has opened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from weaver_like.domain.errors import FetchFailed, FetchTooLarge
from weaver_like.domain.ids import staged_file_name
from weaver_like.domain.masks import shown
from weaver_like.egress.s3 import S3Client, S3Failed, S3Stream
from weaver_like.fetchers.base import CHUNK_BYTES, NO_HEADERS, Fetched, Fetcher, FetchLimits, FolderEntry


class S3Fetcher(Fetcher):
    """s3://bucket/key, the key literally, as Amazon's own tools read it.

    opened: "bucket" or "bucket/beginning/of/keys", in whole parts: what this server's credentials may be used for.
    connect: makes the client, or gives it again.
    """

    def __init__(self, opened: Sequence[str], connect: Callable[[], S3Client]):
        self._opened = [entry.strip("/") for entry in opened]
        self._connect = connect

    def check(self, uri: str) -> None:
        self._place(uri)

    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        bucket, key = self._place(uri)
        limits.proceed()
        try:
            stream = self._connect().open(bucket, key)
            try:
                return self._stream(uri, stream, target, limits)
            finally:
                stream.close()
        except S3Failed as error:
            raise FetchFailed(f"'{shown(uri)}' could not be read: {error.reason}.") from error

    def _stream(self, uri: str, stream: S3Stream, target: Path, limits: FetchLimits) -> Fetched:
        stored = stream.stored
        if stored.size_bytes > limits.max_bytes:
            raise FetchTooLarge(
                f"'{shown(uri)}' has {stored.size_bytes} bytes; at most {limits.max_bytes} are allowed."
            )
        with target.open("xb") as file:
            for chunk in stream.chunks(CHUNK_BYTES):
                limits.proceed()
                file.write(chunk)
        return Fetched(stored.media_type, staged_file_name(uri), stored.size_bytes)

    def check_folder(self, uri: str) -> None:
        if uri.endswith("/"):
            self._prefix(uri)
        else:
            self._place(uri)

    def find_below(self, uri: str, proceed: Callable[[], None]) -> Iterator[FolderEntry] | None:
        """S3 has no folders: a key below another one has a slash in it, or at its end if it stands for a folder."""
        return self._walk(uri, proceed) if uri.endswith("/") else None

    def _walk(self, uri: str, proceed: Callable[[], None]) -> Iterator[FolderEntry]:
        bucket, prefix = self._prefix(uri)
        found = False
        try:
            for key in self._connect().find_below(bucket, prefix):
                proceed()
                found = True
                path = key.removeprefix(prefix)
                if path:
                    yield FolderEntry(path, "" if path.endswith("/") else f"s3://{bucket}/{key}")
        except S3Failed as error:
            raise FetchFailed(f"'{shown(uri)}' could not be listed: {error.reason}.") from error
        if not found:
            raise FetchFailed(f"'{shown(uri)}' could not be listed: no object has a key that begins so.")

    def _place(self, uri: str) -> tuple[str, str]:
        """Bucket and key. Raises: FetchFailed."""
        bucket, key = _split(uri)
        if not key or key.endswith("/"):
            raise FetchFailed(f"'{shown(uri)}' does not name an object; expected s3://bucket/key.")
        self._check_opened(uri, f"{bucket}/{key}/")
        return bucket, key

    def _prefix(self, uri: str) -> tuple[str, str]:
        """Bucket and beginning of keys, which is empty or ends with a slash. Raises: FetchFailed."""
        bucket, prefix = _split(uri)
        self._check_opened(uri, f"{bucket}/{prefix}")
        return bucket, prefix

    def _check_opened(self, uri: str, place: str) -> None:
        # A service that resolves these like the dots of a path would leave the prefix that was opened.
        if not {".", ".."}.isdisjoint(place.split("/")):
            raise FetchFailed(f"'{shown(uri)}' has a key with '.' or '..' between slashes, which is not allowed.")
        if not any(place.startswith(f"{entry}/") for entry in self._opened):
            raise FetchFailed(f"'{shown(uri)}' is outside the buckets that this server may read (security.s3_buckets).")


def _split(uri: str) -> tuple[str, str]:
    """Bucket and key, which may be empty. Raises: FetchFailed."""
    bucket, _, key = uri[len("s3://") :].partition("/")
    if not bucket or urlsplit(uri).netloc != bucket:
        raise FetchFailed(f"'{shown(uri)}' does not name an object; expected s3://bucket/key.")
    return bucket, key
