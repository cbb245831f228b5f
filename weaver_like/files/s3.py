"""The output area in a bucket of S3, or of what speaks like it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from weaver_like.domain.errors import Unavailable, WeaverError
from weaver_like.domain.formats import media_type_of
from weaver_like.egress.s3 import S3Client, S3Failed
from weaver_like.files.area import (
    CHUNK_BYTES,
    OutputArea,
    Published,
    StoredFile,
    check_reference,
    no_such_file,
    not_kept,
    places,
)


class S3Area(OutputArea):
    """prefix: where in the bucket, without slashes at its ends; may be empty. An object is <prefix>/<job id>/<output id>/<file name>."""

    def __init__(self, client: S3Client, bucket: str, prefix: str):
        self._client = client
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""

    def publish(self, job_id: str, output: str, path: Path, proceed: Callable[[], None]) -> Published:
        try:
            reference = next(place for place in places(job_id, output, path) if not self._exists(place))
            self._client.upload(
                path, self._bucket, self._key(reference), {"ContentType": media_type_of(path.name)}, proceed
            )
            return Published(reference, path.stat().st_size)
        except S3Failed as error:
            raise not_kept(output, path, error.reason) from error

    def get(self, reference: str) -> StoredFile:
        check_reference(reference)
        key = self._key(reference)
        try:
            stored = self._client.head(self._bucket, key)
        except S3Failed as error:
            raise _translated(error, reference) from error

        def read(first: int, length: int) -> Iterator[bytes]:
            whole = length == stored.size_bytes
            conditions = {"IfMatch": stored.etag} | ({} if whole else {"Range": f"bytes={first}-{first + length - 1}"})
            try:
                yield from self._client.open(self._bucket, key, conditions).chunks(CHUNK_BYTES)
            except S3Failed as error:
                raise _translated(error, reference) from error

        return StoredFile(key.rpartition("/")[2], stored.size_bytes, stored.etag, stored.modified, read)

    def trouble(self) -> str | None:
        try:
            self._client.look(self._bucket)
        except S3Failed as error:
            return error.reason
        return None

    def discard(self, reference: str) -> None:
        try:
            self._client.remove(self._bucket, self._key(reference))
        except S3Failed as error:
            if not error.missing:
                raise _translated(error, reference) from error

    def remove(self, job_id: str) -> None:
        try:
            self._client.remove_below(
                self._bucket, self._key(f"{job_id}/")
            )  # with its slash: no job is the beginning of another
        except S3Failed as error:
            if not error.missing:
                raise _translated(error, job_id) from error

    def _key(self, reference: str) -> str:
        return self._root + reference.removeprefix("/")

    def _exists(self, reference: str) -> bool:
        try:
            self._client.head(self._bucket, self._key(reference))
        except S3Failed as error:
            if error.missing:
                return False
            raise
        return True


def _translated(error: S3Failed, reference: str) -> WeaverError:
    if error.missing:
        return no_such_file(reference)
    return Unavailable("The files of results cannot be reached at the moment.", retry_after_s=10)
