"""The output area in a bucket of S3, or of what speaks like it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from weaver_like.domain.errors import Unavailable, WeaverError
from weaver_like.domain.formats import media_type_of
from weaver_like.domain.results import StoredFile
from weaver_like.egress.s3 import S3Client, S3Failed
from weaver_like.files.area import CHUNK_BYTES, OutputArea, Published, check_reference, no_such_file, not_kept, places


class S3Area(OutputArea):
    """Objects are <prefix>/<job id>/<output id>/<file name>.

    prefix: where in the bucket, without slashes at its ends; may be empty.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str):
        self._client = client
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""

    def publish(self, job_id: str, output: str, path: Path, proceed: Callable[[], None]) -> Published:
        try:
            reference = next(place for place in places(job_id, output, path) if not self._exists(place))
            options = {"ContentType": media_type_of(path.name)}
            self._client.upload(path, self._bucket, self._key(reference), options, proceed)
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
            conditions = {"IfMatch": stored.etag}
            if length != stored.size_bytes:
                conditions["Range"] = f"bytes={first}-{first + length - 1}"
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
        folder = self._key(f"{job_id}/")  # with its slash: one id may be the beginning of another
        try:
            self._client.remove_below(self._bucket, folder)
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
    return Unavailable("Result files are unavailable at the moment.", retry_after_s=10)
