"""A client of S3 and compatible services: bytes stream in and out, and errors are described in our own words."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
)
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber

from weaver_like.domain.errors import SettingError

log = logging.getLogger(__name__)
for name in ("boto3", "botocore", "s3transfer"):  # at lower levels they log credentials and signatures
    logging.getLogger(name).setLevel(logging.WARNING)
_UPLOAD = TransferConfig(multipart_threshold=8 * 2**20, multipart_chunksize=8 * 2**20, max_request_concurrency=4)
_LOOK_S = 0.25
_REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object",
    "404": "there is no such bucket or object",
    "AccessDenied": "access was denied",
    "403": "access was denied",
    "InvalidAccessKeyId": "the credentials of this server were refused",
    "SignatureDoesNotMatch": "the credentials of this server were refused",
    "XMinioStorageFull": "no space left",
    "QuotaExceeded": "no space left",
}
_ODD = "unexpected answer from S3"
_MISSING = ("NoSuchKey", "NoSuchBucket", "404")


class S3Failed(Exception):
    """A request to S3 failed.

    Args:
        reason: safe to show to anybody; it holds no name, address or key of this server.
        missing: True if the bucket or the object does not exist.
    """

    def __init__(self, reason: str, missing: bool = False):
        super().__init__(reason)
        self.reason = reason
        self.missing = missing


@dataclass(frozen=True, slots=True)
class S3Object:
    """What S3 knows about an object.

    Args:
        size_bytes: of the range that was asked for.
        etag: with its quotes.
        modified: aware, UTC.
    """

    size_bytes: int
    etag: str
    modified: datetime
    media_type: str | None


class S3Client:
    """Any thread may call. Every method raises S3Failed.

    Credentials are found where Amazon's own tools look for them: environment, ~/.aws, role of the machine.

    endpoint: URL of the service; empty: Amazon S3. The operator names it, so it may be a private address.
    """

    def __init__(self, endpoint: str, region: str, timeout_s: float):
        config = Config(
            connect_timeout=min(10, timeout_s),
            read_timeout=timeout_s,
            max_pool_connections=32,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        try:
            self._client = boto3.session.Session().client(
                "s3", endpoint_url=endpoint or None, region_name=region or None, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise SettingError(
                f"Cannot make an S3 client with the settings 'files.s3_endpoint' and 'files.s3_region': {error}"
            ) from error

    def look(self, bucket: str) -> None:
        """Check that the bucket can be reached."""
        with _plainly(bucket, ""):
            self._client.head_bucket(Bucket=bucket)

    def head(self, bucket: str, key: str) -> S3Object:
        with _plainly(bucket, key):
            return _object(self._client.head_object(Bucket=bucket, Key=key))

    def find_below(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys of all objects that begin with `prefix`, in their order, a thousand with each request."""
        with _plainly(bucket, prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from (entry["Key"] for entry in page.get("Contents", ()))

    def open(self, bucket: str, key: str, conditions: dict[str, str] | None = None) -> "S3Stream":
        """Open an object for reading. Read without a range, it is checked against the checksum that S3 keeps.

        conditions: `Range` and `IfMatch` as in HTTP.
        """
        with _plainly(bucket, key):
            answer = self._client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", **(conditions or {}))
        return S3Stream(_object(answer), answer["Body"], f"{bucket}/{key}")

    def upload(self, path: Path, bucket: str, key: str, options: dict[str, str], proceed: Callable[[], None]) -> None:
        """Stream a file, a large one in parts with checksums; the object exists as a whole or not at all.

        Args:
            options: `ContentType` and the like.
            proceed: called from time to time; what it raises ends the upload.
        """
        ended = _Ended()
        options = options | {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
        try:
            # On an exception the manager cancels the upload, removes its parts and waits for that.
            with _plainly(bucket, key), TransferManager(self._client, _UPLOAD) as manager:
                upload = manager.upload(str(path), bucket, key, options, [ended])
                while not ended.event.wait(_LOOK_S):
                    proceed()
                upload.result()
        except BaseException:
            self._forget(bucket, key)
            raise

    def _forget(self, bucket: str, key: str) -> None:
        """Remove what a cancelled upload left: the object, or parts that the manager did not see."""
        try:
            with _plainly(bucket, key):
                self._client.delete_object(Bucket=bucket, Key=key)
                begun = self._client.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads", ())
                for upload_id in [entry["UploadId"] for entry in begun if entry["Key"] == key]:
                    self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        except S3Failed as error:
            log.warning("S3, %s/%s: the remains of an upload could not be removed: %s", bucket, key, error.reason)

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens if it does not exist."""
        with _plainly(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key)

    def remove_below(self, bucket: str, prefix: str) -> None:
        """Remove every object whose key begins with `prefix`, a thousand with each request, and unfinished uploads."""
        with _plainly(bucket, prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                keys = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
                if not keys:
                    continue
                answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    raise _failure(answer["Errors"][0].get("Code", ""))
            for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Uploads", ()):
                    self._client.abort_multipart_upload(Bucket=bucket, Key=entry["Key"], UploadId=entry["UploadId"])


class _Body(Protocol):
    """The body of an answer, as botocore gives it."""

    def read(self, size_bytes: int, /) -> bytes: ...

    def close(self) -> None: ...


class S3Stream:
    """An open object: iterate once over `chunks`, or `close` it."""

    def __init__(self, stored: S3Object, body: _Body, name: str):
        self.stored = stored
        self._body = body
        self._name = name

    def chunks(self, size_bytes: int) -> Iterator[bytes]:
        """Yield chunks of exactly `size_bytes`; the last one may be shorter.

        Raises: S3Failed, also for a checksum that does not match.
        """
        with _plainly(self._name, ""):
            try:
                while chunk := self._body.read(size_bytes):
                    yield chunk
            finally:
                self.close()

    def close(self) -> None:
        self._body.close()


class _Ended(BaseSubscriber):  # type: ignore[misc]  # s3transfer has no types
    """Reports the end of an upload, successful or not."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def on_done(self, future: object, **_: object) -> None:
        self.event.set()


def _object(answer: dict[str, Any]) -> S3Object:
    try:
        return S3Object(answer["ContentLength"], answer["ETag"], answer["LastModified"], answer.get("ContentType"))
    except KeyError as error:
        raise S3Failed(_ODD) from error


@contextmanager
def _plainly(bucket: str, key: str) -> Iterator[None]:
    """Translate errors of the library; the log gets their original text, which describes the service."""
    try:
        yield
    except ClientError as error:
        failure = _failure(error.response.get("Error", {}).get("Code", ""))
        if not failure.missing:
            log.warning("S3, %s/%s: %s", bucket, key, error)
        raise failure from error
    except (BotoCoreError, urllib3.exceptions.HTTPError) as error:
        log.warning("S3, %s/%s: %s", bucket, key, error)
        raise S3Failed(_transport_reason(error)) from error


def _failure(code: str) -> S3Failed:
    return S3Failed(_REASONS.get(code, f"S3 answered '{code[:100]}'"), code in _MISSING)


def _transport_reason(error: Exception) -> str:
    kinds = {
        NoCredentialsError: "this server has no credentials for S3",
        FlexibleChecksumError: "its checksum does not match",
        IncompleteReadError: "it ended too early",
        ParamValidationError: "the name is not allowed in S3",
    }
    return next((reason for kind, reason in kinds.items() if isinstance(error, kind)), _ODD)
