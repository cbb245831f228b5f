"""Places of results that move, are full, or are none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit, successful
from tests.support.s3_server import S3Server
from weaver_like.domain.errors import SettingError
from weaver_like.settings import load
from weaver_like.wiring import build


def test_results_stay_valid_when_their_place_moves(
    make_app: Callable, on_s3: Callable, plugins: Path, tmp_path: Path, s3: S3Server, bucket: str
) -> None:
    """docs/results.rst: folder -> other folder and public URL -> S3.

    Links, files, and references inside values move along.
    """
    data, option = tmp_path / "data", f"plugins.folders={plugins}"
    app = make_app(option, "files.outputs_url=https://old.example.org/results/", folder=data)
    made = successful(app, "make")
    [link] = app.get(f"/jobs/{made}/outputs").json["outputs"]
    assert link["href"] == f"https://old.example.org/results/{made}/output/a_b.txt"
    referring = successful(app, "refer", {"uri": link["href"]})
    foreign = successful(app, "refer", {"uri": f"https://old.example.org/results-2/{made}/output/a_b.txt"})
    at_first = app.get(f"/jobs/{foreign}/results?f=json").json
    app.service.stop()

    shutil.move(data / "outputs", tmp_path / "moved")
    for name, value in (("", "http://localhost/outputs"), ("https://new.example.org/r", "https://new.example.org/r")):
        app = make_app(option, f"files.outputs_dir={tmp_path / 'moved'}", f"files.outputs_url={name}", folder=data)
        check(app, made, referring, value)
        assert app.get(f"/jobs/{foreign}/results?f=json").json == at_first
        app.service.stop()

    for path in (tmp_path / "moved").rglob("*.txt"):
        s3.client.upload_file(str(path), bucket, f"results/{path.relative_to(tmp_path / 'moved')}")
    app = on_s3(folder=data)
    check(app, made, referring, "http://localhost/outputs")
    assert app.get(f"/jobs/{foreign}/results?f=json").json == at_first


def check(app: TestApp, made: str, referring: str, outputs: str) -> None:
    """Every way to a result leads to where it is now."""
    here = f"{outputs}/{made}/output/a_b.txt"
    assert app.get(f"/jobs/{made}/outputs").json["outputs"][0]["href"] == here
    assert len(app.get(f"/jobs/{made}/results").body) == 1000
    assert len(app.get(f"/outputs/{made}/output/a_b.txt").body) == 1000
    document = app.get(f"/jobs/{referring}/results?f=json").json
    assert document["out"]["value"] == {"things": [[{"href": here, "title": "x"}], {"href": "/5f1c/out/a.txt"}]}
    assert document["link"] == here
    assert document["text"].startswith("https://old.example.org/")
    assert app.get(f"/jobs/{referring}/results/link").text == here
    assert json.loads(app.get(f"/jobs/{referring}/results/out").body)["things"][0][0]["href"] == here
    assert here in app.get(f"/jobs/{referring}/results", headers={"Accept": "text/html"}).text


def test_a_full_disk_fails_the_job_with_that_reason_and_nothing_half_stays(
    make_app: Callable, plugins: Path, small_disk: Path
) -> None:
    app = make_app(f"plugins.folders={plugins}", f"files.outputs_dir={small_disk}")
    kept = successful(app, "make")
    status = finished(app, submit(app, "make", {"size": 6 * 2**20}))
    assert status["status"] == "failed"
    assert status["message"] == "Output 'output' (file 'a b.txt') could not be saved: no space left."
    assert [path.parent.parent.name for path in small_disk.rglob("*") if path.is_file()] == [kept]
    assert not (small_disk / status["jobID"]).exists()
    successful(app, "make")


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("files.outputs_dir=s3://", "outputs_dir"),
        ("files.outputs_dir=s3:bucket", "outputs_dir"),
        ("files.outputs_dir=s3:///x", "outputs_dir"),
        ("files.outputs_dir=s3://b:80/x", "outputs_dir"),
    ],
)
def test_a_place_that_is_none_stops_the_start(tmp_path: Path, override: str, word: str) -> None:
    with pytest.raises(SettingError, match=word):
        build(load(overrides=[f"files.data_dir={tmp_path}", override]))


def test_an_endpoint_that_is_none_stops_the_start(tmp_path: Path, s3: S3Server) -> None:
    with pytest.raises(SettingError, match="s3_endpoint"):
        build(
            load(
                overrides=[f"files.data_dir={tmp_path}", "files.outputs_dir=s3://bucket/x", "files.s3_endpoint=no url"]
            )
        )
