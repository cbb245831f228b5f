"""Every output area keeps the promises of `OutputArea`: a folder, a folder on another file system, and S3."""

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.contract.output_area_contract import LARGE, CopyingAreaContract, Made, OutputAreaContract, go_on, made, whole
from tests.support.s3_server import S3Server
from weaver_like.domain.errors import NotFound, RunFailed, Unavailable
from weaver_like.egress.s3 import S3Client
from weaver_like.files.area import OutputArea
from weaver_like.files.folder import FolderArea
from weaver_like.files.s3 import S3Area

__all__ = ["made"]


class TestFolder(OutputAreaContract):
    """On the file system of the work folders."""

    @pytest.fixture
    def area(self, tmp_path: Path) -> OutputArea:
        (tmp_path / "outputs").mkdir()
        return FolderArea(tmp_path / "outputs")

    def test_a_file_is_linked_not_copied(self, area: OutputArea, made: Made, tmp_path: Path) -> None:
        path = made(b"x")
        reference = area.publish("job", "out", path, go_on).reference
        area.bring(reference, tmp_path / "brought", go_on)
        assert (tmp_path / "outputs" / reference.lstrip("/")).stat().st_ino == path.stat().st_ino
        assert (tmp_path / "brought").samefile(path)
        assert (tmp_path / "brought").stat().st_mode & 0o222 == 0

    def test_links_that_lead_out_are_not_followed(self, area: OutputArea, made: Made, tmp_path: Path) -> None:
        area.publish("job", "out", made(b"x"), go_on)
        (tmp_path / "outputs" / "job" / "out" / "link").symlink_to("/etc/passwd")
        with pytest.raises(NotFound):
            area.get("/job/out/link")

    def test_what_stands_in_the_way_is_the_reason(self, area: OutputArea, made: Made, tmp_path: Path) -> None:
        (tmp_path / "outputs" / "job").write_text("in the way")
        with pytest.raises(RunFailed, match=r"Output 'out' \(file 'a.txt'\) could not be saved: Not a directory"):
            area.publish("job", "out", made(b"x"), go_on)


class TestSharedFolder(CopyingAreaContract):
    """On another file system, as one that several machines mount."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        shared = Path("/dev/shm")
        if not os.access(shared, os.W_OK) or shared.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("/dev/shm is no file system of its own here")
        self.made = Path(tempfile.mkdtemp(prefix="weaver-like-", dir=shared))
        yield self.made
        shutil.rmtree(self.made)

    @pytest.fixture
    def area(self, folder: Path) -> OutputArea:
        return FolderArea(folder)

    def leftovers(self) -> list[Path]:
        return [path for path in self.made.rglob("*") if path.is_file()]

    def test_a_copy_that_fails_half_way_leaves_nothing(self, area: OutputArea, made: Made) -> None:
        """The system itself refuses to write more than 5 MiB."""
        path, limits = made(LARGE), resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5 * 2**20, limits[1]))
        try:
            with pytest.raises(RunFailed, match=r"Output 'out' \(file 'a.txt'\) could not be saved: File too large"):
                area.publish("job", "out", path, go_on)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert self.leftovers() == []

    def test_a_full_disk_is_the_reason(self, made: Made, small_disk: Path) -> None:
        area = FolderArea(small_disk)
        kept = area.publish("job", "out", made(b"x" * 2**20), go_on)
        with pytest.raises(RunFailed, match=r"Output 'out' \(file 'b.txt'\) could not be saved: no space left"):
            area.publish("job", "out", made(LARGE, "b.txt"), go_on)
        assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["a.txt"]
        assert area.get(kept.reference).size_bytes == 2**20


def client(url: str) -> S3Client:
    return S3Client(url, "eu-central-1", 5)


class TestS3(CopyingAreaContract):
    """Below a prefix of a bucket."""

    @pytest.fixture
    def bucket(self, s3: S3Server) -> str:
        self.s3, self.bucket_name = s3, s3.make_bucket()
        s3.client.put_object(Bucket=self.bucket_name, Key="results-old/job/out/a.txt", Body=b"of somebody else")
        return self.bucket_name

    @pytest.fixture
    def area(self, s3: S3Server, bucket: str) -> OutputArea:
        return S3Area(client(s3.url), bucket, "results")

    def leftovers(self) -> list[str]:
        return self.s3.keys(self.bucket_name, "results/") + self.s3.uploads(self.bucket_name)

    def test_objects_lie_below_the_prefix_with_type_and_checksum(
        self, area: OutputArea, made: Made, s3: S3Server, bucket: str
    ) -> None:
        for name, content in (("a.tif", b"x"), ("b.tif", LARGE)):
            reference = area.publish("job", "out", made(content, name), go_on).reference
            assert reference == f"/job/out/{name}"
            head = s3.client.head_object(Bucket=bucket, Key=f"results{reference}", ChecksumMode="ENABLED")
            assert head["ContentType"] == "image/tiff"
            assert head["ChecksumCRC32"]
            assert area.get(reference).etag == head["ETag"]
        assert head["ETag"].endswith('-3"')  # in three parts

    def test_a_bucket_without_prefix_is_fine(self, made: Made, s3: S3Server) -> None:
        bucket = s3.make_bucket()
        area = S3Area(client(s3.url), bucket, "")
        assert whole(area.get(area.publish("job", "out", made(b"x"), go_on).reference)) == b"x"
        assert s3.keys(bucket) == ["job/out/a.txt"]
        area.remove("job")
        assert s3.keys(bucket) == []

    def test_more_objects_than_one_request_takes_are_removed(self, area: OutputArea, s3: S3Server, bucket: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda number: s3.client.put_object(Bucket=bucket, Key=f"results/job/out/{number}", Body=b""),
                    range(1005),
                )
            )
        area.remove("job")
        assert s3.keys(bucket) == ["results-old/job/out/a.txt"]

    def test_parts_that_a_dead_worker_uploaded_go_with_the_job(
        self, area: OutputArea, s3: S3Server, bucket: str
    ) -> None:
        started = s3.client.create_multipart_upload(Bucket=bucket, Key="results/job/out/a.txt")
        s3.client.upload_part(
            Bucket=bucket,
            Key="results/job/out/a.txt",
            UploadId=started["UploadId"],
            PartNumber=1,
            Body=b"x" * 5 * 2**20,
        )
        area.remove("job")
        assert s3.uploads(bucket) == []

    def test_an_object_that_changes_while_it_is_read_is_not_mixed(
        self, area: OutputArea, made: Made, s3: S3Server, bucket: str
    ) -> None:
        reference = area.publish("job", "out", made(b"before"), go_on).reference
        file = area.get(reference)
        s3.client.put_object(Bucket=bucket, Key=f"results{reference}", Body=b"after!")
        with pytest.raises(Unavailable):
            whole(file)

    def test_a_refused_upload_fails_the_job_with_the_reason(self, made: Made, s3: S3Server) -> None:
        area = S3Area(client(s3.url), "there-is-none", "")
        for content in (b"x", LARGE):
            with pytest.raises(
                RunFailed, match=r"Output 'out' \(file 'a.txt'\) could not be saved: there is no such bucket"
            ):
                area.publish("job", "out", made(content), go_on)

    def test_a_service_that_does_not_answer_is_said_to_be_unreachable(
        self, made: Made, site: ThreadingHTTPServer
    ) -> None:
        """503 with Retry-After for clients; the failed job's own reason for what could not be kept"""
        area = S3Area(client(site.url), "bucket", "p")
        site.shutdown()
        site.server_close()
        for ask in (
            lambda: area.get("/job/out/a.txt"),
            lambda: area.discard("/job/out/a.txt"),
            lambda: area.remove("job"),
        ):
            with pytest.raises(Unavailable) as caught:
                ask()
            assert caught.value.retry_after_s
            assert "127.0.0.1" not in caught.value.detail
        assert area.trouble() == "unexpected answer from S3"
        with pytest.raises(RunFailed, match="could not be saved: unexpected answer from S3"):
            area.publish("job", "out", made(b"x"), go_on)

    def test_bytes_that_do_not_fit_their_checksum_are_an_error(self, site: ThreadingHTTPServer) -> None:
        head = {"ETag": '"e"', "Last-Modified": "Mon, 06 May 2024 07:08:09 GMT", "Content-Type": "text/plain"}
        site.pages["/bucket/p/job/out/a.txt"] = (200, head | {"x-amz-checksum-crc32": "NhCmhg=="}, b"hello")
        area = S3Area(client(site.url), "bucket", "p")
        assert whole(area.get("/job/out/a.txt")) == b"hello"
        site.pages["/bucket/p/job/out/a.txt"] = (200, head | {"x-amz-checksum-crc32": "NhCmhg=="}, b"hellO")
        with pytest.raises(Unavailable):
            whole(area.get("/job/out/a.txt"))
