"""A server that speaks S3 over HTTP, in a process of its own."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config

#: What the usual environment of Amazon's tools holds; no job may see it.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "a-sekret-id",
    "AWS_SECRET_ACCESS_KEY": "a-sekret-key",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


class S3Server:
    """moto's server. url: endpoint.  client: boto3's own, to look at it from outside."""

    def __init__(self, process: subprocess.Popen, url: str):
        self.process = process
        self.url = url
        self.client = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
        self._number = 0

    def make_bucket(self) -> str:
        self._number += 1
        name = f"bucket-{self._number}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def uploads(self, bucket: str) -> list[str]:
        """Keys of uploads that nobody has finished."""
        return [entry["Key"] for entry in self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", ())]


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Start it, with its credentials in this environment, and end it."""
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ |= CREDENTIALS
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stderr if "Running on" in line)
        reader = threading.Thread(target=deque, args=(process.stderr, 0), daemon=True)  # a full pipe would stop it
        reader.start()
        yield S3Server(process, line.split()[-1])
    finally:
        process.terminate()
        process.wait(10)
        reader.join(10)
        process.stderr.close()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 service on 127.0.0.1, one for all tests; each makes a bucket of its own."""
    with running_s3() as server:
        yield server
