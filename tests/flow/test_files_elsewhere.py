"""Results and inputs that are not on this machine: a bucket of S3, a folder on
another file system, places that move or are full."""

import os
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from webtest import TestApp

from tests.support.client import Served, finished, submit, successful
from tests.support.plugin_makers import source, write
from tests.support.s3_server import CREDENTIALS, S3Server, running_s3
from tests.support.waiting import wait_until
from weaver_like.app import make_wsgi
from weaver_like.services.application import Application
from weaver_like.settings import load
from weaver_like.wiring import build


def test_results_on_s3_are_like_any_others(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    """/req/core/job-results; RFC 9110 sections 13 and 14: ranges, conditions and HEAD as for files of this machine"""
    app = on_s3()
    job_id = successful(app, "make")
    assert s3.keys(bucket) == [f"results/{job_id}/output/a_b.txt"]
    whole = b"0123456789" * 100
    [link] = app.get(f"/jobs/{job_id}/outputs").json["outputs"]
    assert link["href"] == f"http://localhost/outputs/{job_id}/output/a_b.txt"
    for path in (link["href"], f"/jobs/{job_id}/results", f"/jobs/{job_id}/results/output"):
        answer = app.get(path)
        assert answer.body == whole
        assert answer.content_type == "text/plain"
        assert answer.headers["ETag"] == s3.client.head_object(Bucket=bucket, Key=s3.keys(bucket)[0])["ETag"]
        assert app.get(path, headers={"Range": "bytes=5-14"}, status=206).body == whole[5:15]
        assert app.get(path, headers={"Range": "bytes=-3"}, status=206).body == b"789"
        assert app.get(path, headers={"Range": "bytes=1000-"}, status=416).headers["Content-Range"] == "bytes */1000"
        assert app.get(path, headers={"If-None-Match": answer.headers["ETag"]}, status=304).body == b""
        assert app.get(path, headers={"If-Modified-Since": answer.headers["Last-Modified"]}, status=304).body == b""
        head = app.head(path)
        assert (head.body, head.headers["Content-Length"], head.headers["ETag"]) == (
            b"",
            "1000",
            answer.headers["ETag"],
        )
    assert app.get(f"/jobs/{job_id}/results?f=json").json["output"]["value"] == whole.decode()
    app.get(f"/outputs/{job_id}/output/b.txt", status=404)


def test_several_files_come_in_one_answer(on_s3: Callable) -> None:
    app = on_s3()
    answer = app.get(f"/jobs/{successful(app, 'several')}/results")
    assert [answer.body.count(f"\r\n\r\n{number}\r\n".encode()) for number in range(3)] == [1, 1, 1]


def test_objects_go_with_their_job(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    """Part 1, class "dismiss"; limits of retention"""
    app = on_s3()
    first, second = successful(app, "several"), successful(app, "make")
    app.delete(f"/jobs/{first}")
    assert s3.keys(bucket) == [f"results/{second}/output/a_b.txt"]
    app.get(f"/jobs/{first}", status=404)


def test_a_job_that_is_dismissed_while_it_uploads_leaves_nothing(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    app = on_s3()
    job_id = submit(app, "make", {"size": 96 * 2**20})
    wait_until(lambda: s3.uploads(bucket), 30, "the upload")
    assert app.delete(f"/jobs/{job_id}").json["status"] == "dismissed"
    wait_until(lambda: not s3.uploads(bucket) and not s3.keys(bucket), 20, "the end of the upload")
    wait_until(lambda: not list(app.service.settings.work_dir.iterdir()), 10, "the end of the job")
    assert s3.keys(bucket) + s3.uploads(bucket) == []


def test_a_refused_upload_fails_the_job_and_no_other(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    app = on_s3()
    s3.client.delete_bucket(Bucket=bucket)
    job_id = submit(app, "make")
    status = finished(app, job_id)
    assert status["status"] == "failed"
    assert status["message"] == "Output 'output' (file 'a b.txt') could not be saved: there is no such bucket."
    assert app.get(f"/jobs/{job_id}/results", status=500).json["detail"] == status["message"]
    s3.client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    successful(app, "make")


def test_while_s3_is_away_nothing_is_lost_and_clients_are_told_when_to_come_again(
    make_app: Callable, plugins: Path
) -> None:
    with running_s3() as away:
        bucket = away.make_bucket()
        app = make_app(
            f"plugins.folders={plugins}", f"files.outputs_dir=s3://{bucket}", f"files.s3_endpoint={away.url}"
        )
        job_id = successful(app, "make")
    for answer in (app.get(f"/jobs/{job_id}/results", status=503), app.delete(f"/jobs/{job_id}", status=503)):
        assert answer.headers["Retry-After"]
        assert bucket not in answer.text
        assert "127.0.0.1" not in answer.text
    assert app.get(f"/jobs/{job_id}").json["status"] == "successful"
    status = finished(app, submit(app, "make"))
    assert status["message"] == "Output 'output' (file 'a b.txt') could not be saved: unexpected answer from S3."


def test_no_job_sees_the_credentials_of_the_server(on_s3: Callable, bucket: str) -> None:
    app = on_s3()
    assert "AWS_ACCESS_KEY_ID" in os.environ
    text = app.get(f"/jobs/{successful(app, 'environment')}/results").text
    assert "PATH" in text
    for secret in (*CREDENTIALS, *CREDENTIALS.values(), bucket):
        assert secret not in text


@pytest.mark.only("sqlite-embedded")
def test_large_files_stream_through(serve: Callable, plugins: Path, s3: S3Server, bucket: str) -> None:
    """64 MiB in from S3, out to S3, and out to a client: no process of the server grows by more than a part of that."""
    served: Served = serve(
        f"plugins.folders={plugins}",
        f"files.outputs_dir=s3://{bucket}/out",
        f"files.s3_endpoint={s3.url}",
        f"security.s3_buckets={bucket}",
        "engine.workers=1",
    )
    block = os.urandom(2**20)
    s3.client.put_object(Bucket=bucket, Key="in/small", Body=b"x")
    s3.client.put_object(Bucket=bucket, Key="in/large", Body=block * 64)

    def through(key: str) -> bytes:
        job_id = served.submit(
            "copy", {"data": {"href": f"s3://{bucket}/in/{key}", "type": "application/octet-stream"}}
        )
        status = wait_until(
            lambda: (found := served.get(f"/jobs/{job_id}")[1])["status"] in ("successful", "failed") and found,
            60,
            "the end",
        )
        assert status["status"] == "successful", status["message"]
        return served.get(f"/jobs/{job_id}/results")[1]

    assert through("small") == b"x"  # everything is loaded now
    before = _peak_bytes(served)
    assert through("large") == block * 64
    after = _peak_bytes(served)
    growth = {pid: after[pid] - before[pid] for pid in before}
    assert max(growth.values()) < 24 * 2**20, growth


def _peak_bytes(served: Served) -> dict[int, int]:
    """Process id -> most memory that it ever had, of the server and its worker; what the worker starts is the job's."""
    server = psutil.Process(served.process.pid)
    ours = [server, *server.children()]
    assert len(ours) == 2
    lines = {process.pid: Path(f"/proc/{process.pid}/status").read_text() for process in ours}
    return {
        pid: next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM"))
        for pid, text in lines.items()
    }


def give(app: TestApp, href: str, process: str = "copy", name: str = "data") -> dict:
    answer = app.post_json(
        f"/processes/{process}/execution",
        {"inputs": {name: {"href": href}} | ({"message": "m"} if process == "echo" else {})},
        headers={"Prefer": "respond-async"},
        status=201,
    )
    return finished(app, answer.json["jobID"])


def test_inputs_come_from_s3(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    """/req/core/process-execute-input-by-reference; the key is taken literally"""
    app = on_s3()
    for key in ("a.txt", "deep/er/b.txt", "a b%20c#d?e+f☃.txt", "..c/...d"):
        s3.client.put_object(Bucket=bucket, Key=f"in/{key}", Body=key.encode(), ContentType="text/plain")
        status = give(app, f"s3://{bucket}/in/{key}")
        assert status["status"] == "successful", status["message"]
        assert app.get(f"/jobs/{status['jobID']}/results").body == key.encode()
    s3.client.put_object(Bucket=bucket, Key="in/number", Body=b"5.5", ContentType="application/json")
    status = give(app, f"S3://{bucket}/in/number", "echo", "number")
    assert app.get(f"/jobs/{status['jobID']}/results?f=json").json["number"] == 5.5


@pytest.mark.parametrize(
    "place",
    [
        "",
        "/",
        "//",
        "/in/",
        "/out/a.txt",
        "/inner/a.txt",
        "/in/../out/a.txt",
        "/in/./a.txt",
        "-other/in/a.txt",
        "@x/in/a.txt",
        ":80/in/a.txt",
        "?x/in/a.txt",
        "/In/a.txt",
        "/%69n/a.txt",
    ],
)
def test_what_the_operator_has_not_opened_is_refused_at_submission(on_s3_once: tuple[TestApp, str], place: str) -> None:
    """security.s3_buckets; the server's credentials may open much more"""
    app, bucket = on_s3_once
    answer = app.post_json(
        "/processes/copy/execution", {"inputs": {"data": {"href": f"s3://{bucket}{place}"}}}, status=400
    )
    assert answer.json["errors"][0]["pointer"] == "/inputs/data/href"


@pytest.fixture(scope="module")
def on_s3_once(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[TestApp, str]:
    """An application that only looks at references, and its bucket; no job runs in it."""
    folder, bucket = tmp_path_factory.mktemp("refusing"), s3.make_bucket()
    write(folder / "plugins", {"files.py": source("files")})
    from_settings = load(
        overrides=[
            f"files.data_dir={folder}",
            f"plugins.folders={folder / 'plugins'}",
            f"files.s3_endpoint={s3.url}",
            f"security.s3_buckets=another-one, {bucket}/in/",
        ]
    )
    runtime = build(from_settings, serving=True)
    yield TestApp(make_wsgi(Application(runtime), from_settings), extra_environ={"HTTP_HOST": "localhost"}), bucket
    runtime.store.close()


def test_without_opened_buckets_there_is_no_s3(app: TestApp) -> None:
    answer = app.post_json(
        "/processes/echo-complex/execution", {"inputs": {"complexInput": {"href": "s3://bucket/in/a.txt"}}}, status=400
    )
    assert "'s3'" in answer.json["detail"]


def test_objects_that_cannot_be_had_fail_the_job_with_the_reason(on_s3: Callable, s3: S3Server, bucket: str) -> None:
    app = on_s3("limits.file_bytes=1000", f"security.s3_buckets={bucket}, no-such-bucket")
    s3.client.put_object(Bucket=bucket, Key="in/large", Body=b"x" * 1001)
    for href, reason in (
        (f"s3://{bucket}/in/nothing", "could not be read: there is no such object."),
        ("s3://no-such-bucket/a", "there is no such bucket"),
        (f"s3://{bucket}/in/large", "has 1001 bytes; at most 1000 are allowed"),
        (f"s3://{bucket}/" + "a" * 2000, "could not be read"),
    ):
        status = give(app, href)
        assert status["status"] == "failed"
        assert status["message"].startswith("Input 'data': 's3://")
        assert reason in status["message"]
        assert app.get(f"/jobs/{status['jobID']}/results", status=400).json["errors"][0]["pointer"] == "/inputs/data"


def test_what_a_broken_or_unwilling_service_sends_is_no_input(
    make_app: Callable, plugins: Path, s3: S3Server, site: ThreadingHTTPServer
) -> None:
    """The checksum that the service keeps is checked; the operator's endpoint may be a private address."""
    app = make_app(
        f"plugins.folders={plugins}",
        f"files.s3_endpoint={site.url}",
        "security.s3_buckets=bucket",
        "limits.fetch_timeout_s=2",
    )
    head = {
        "ETag": '"e"',
        "Last-Modified": "Mon, 06 May 2024 07:08:09 GMT",
        "Content-Type": "text/plain",
        "x-amz-checksum-crc32": "NhCmhg==",
    }
    denied = b"<Error><Code>AccessDenied</Code><Message>arn:aws:iam::123:user/sekret may not</Message></Error>"
    site.pages |= {
        "/bucket/good": (200, head, b"hello"),
        "/bucket/bad": (200, head, b"hellO"),
        "/bucket/odd": (200, {}, b"hello"),
        "/bucket/short": (200, head | {"Content-Length": "9"}, b"hello"),
        "/bucket/html": (404, {}, b"<html>"),
        "/bucket/denied": (403, {"Content-Type": "application/xml"}, denied),
    }
    assert give(app, "s3://bucket/good")["status"] == "successful"
    for key, reason in (
        ("bad", "its checksum does not match"),
        ("short", ""),
        ("denied", "access was denied"),
        ("odd", ""),
        ("html", ""),
    ):
        status = give(app, f"s3://bucket/{key}")
        assert status["status"] == "failed"
        assert status["message"].startswith(f"Input 'data': 's3://bucket/{key}' could not be read: ")
        assert reason in status["message"]
        assert "sekret" not in status["message"]
