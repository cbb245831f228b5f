"""Results that are folders: a listing of links, ZIP, tar, and files below paths that keep the tree."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from lxml import html
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.packages import deploy, fresh, multipart

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "folder",
    "requirements": {"ShellCommandRequirement": {}, "InlineJavascriptRequirement": {}},
    "arguments": [
        {
            "shellQuote": False,
            "valueFrom": """
mkdir -p made/sub/deep made/other made/empty
echo one > made/sub/same.txt; echo two > made/other/same.txt
head -c 300000 /dev/zero > made/sub/deep/large.bin; touch made/none
cat > made/catalog.json <<'END'
{"stac_version": "1.0.0", "type": "Catalog", "links": [{"rel": "item", "href": "./sub/item.json"}]}
END
echo '{"stac_version": "1.0.0", "type": "Feature", "assets": {"a": {"href": "./deep/large.bin"}}}' > made/sub/item.json
echo x > main.bam; echo y > main.bam.bai
""",
        }
    ],
    "inputs": {},
    "outputs": {
        "made": {"type": "Directory", "outputBinding": {"glob": "made"}},
        "group": {"type": "File", "secondaryFiles": [".bai"], "outputBinding": {"glob": "main.bam"}},
    },
}
FILES = {"catalog.json", "none", "other/same.txt", "sub/deep/large.bin", "sub/item.json", "sub/same.txt"}


@pytest.fixture(scope="module")
def job(app: TestApp) -> Iterator[str]:
    app.post("/processes", json.dumps(TOOL), content_type="application/cwl+json", status=201)
    job_id = submit(app, "folder")
    assert finished(app, job_id)["status"] == "successful"
    yield job_id
    app.delete("/processes/folder", status=204)


def test_a_folder_is_a_listing_of_links_by_default(app: TestApp, job: str) -> None:
    listing = app.get(f"/jobs/{job}/results/made").json
    assert (listing["class"], listing["basename"]) == ("Directory", "made")
    links = {link["title"]: link for link in listing["links"] if link["rel"] != "self"}
    assert links.keys() == FILES
    assert links["sub/deep/large.bin"]["length"] == 300000
    for path, link in links.items():
        assert len(app.get(link["href"]).body) == link["length"], path
    assert (
        app.get(f"/jobs/{job}/results", headers={"Accept": "application/json"}).json["made"]["value"]["class"]
        == "Directory"
    )


def test_the_page_of_a_folder_has_no_table_inside_of_a_table(app: TestApp, job: str) -> None:
    for document in (f"/jobs/{job}/results", "/processes/folder"):
        page = html.fromstring(app.get(f"{document}?f=html").body)
        assert page.xpath("//table"), "links at least"
        assert not page.xpath("//table//table"), document


@pytest.mark.parametrize(
    "outputs", [{}, {"made": {"type": "File?", "outputBinding": {"glob": "nothing"}}}], ids=["none", "null"]
)
def test_success_without_results_is_an_empty_document(app: TestApp, outputs: dict) -> None:
    """A package that only checks something, say."""
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "silent",
        "baseCommand": "true",
        "inputs": {},
        "outputs": outputs,
    }
    app.post("/processes", json.dumps(tool), content_type="application/cwl+json", status=201)
    answer = app.post_json("/processes/silent/execution", {"inputs": {}}, status=200)
    assert answer.json == {}
    job_id = app.get("/jobs?processID=silent").json["jobs"][0]["jobID"]
    assert app.get(f"/jobs/{job_id}/results", status=200).json == {}
    app.get(f"/jobs/{job_id}/results?f=html", status=200)
    app.delete("/processes/silent", status=204)


def test_files_of_one_name_in_two_folders_stay_apart(app: TestApp, job: str) -> None:
    assert app.get(f"/jobs/{job}/results/made/sub/same.txt").text == "one\n"
    assert app.get(f"/jobs/{job}/results/made/other/same.txt").text == "two\n"


def test_a_stac_catalog_is_recognised_and_its_relative_links_lead_to_its_files(app: TestApp, job: str) -> None:
    listing = app.get(f"/jobs/{job}/results/made").json
    (root,) = [link for link in listing["links"] if link["rel"] == "root"]
    assert root["type"] == "application/json"
    assert (
        next(link["type"] for link in listing["links"] if link.get("title") == "sub/item.json")
        == "application/geo+json"
    )
    item = urljoin(root["href"], app.get(root["href"]).json["links"][0]["href"])
    found = app.get(item)
    assert found.content_type == "application/geo+json"
    asset = urljoin(item, found.json["assets"]["a"]["href"])
    assert app.get(asset, headers={"Range": "bytes=0-9"}, status=206).body == bytes(10)


def test_a_folder_as_zip_has_every_file_under_its_path(app: TestApp, job: str) -> None:
    answer = app.get(f"/jobs/{job}/results/made", headers={"Accept": "application/zip"})
    assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert {name for name in archive.namelist() if not name.endswith("/")} == FILES
        assert "empty/" in archive.namelist()
        assert archive.read("other/same.txt") == b"two\n"


def test_a_folder_as_tar_has_every_file_under_its_path(app: TestApp, job: str) -> None:
    answer = app.get(f"/jobs/{job}/results/made", headers={"Accept": "application/x-tar"})
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        assert {entry.name for entry in archive if entry.isfile()} == FILES
        assert archive.extractfile("sub/deep/large.bin").read() == bytes(300000)


def test_the_execute_request_may_ask_for_the_archive(app: TestApp, job: str) -> None:
    body = {"outputs": {"made": {"format": {"mediaType": "application/zip"}}}, "response": "raw"}
    answer = app.post_json("/processes/folder/execution", body)
    assert zipfile.is_zipfile(io.BytesIO(answer.body))


def test_other_forms_and_paths_are_refused(app: TestApp, job: str) -> None:
    app.get(f"/jobs/{job}/results/made", headers={"Accept": "image/png"}, status=406)
    for path in (
        "made/sub",
        "made/sub/",
        "made/nothing",
        "made/../group",
        "made/%2e%2e/x",
        "nothing/a",
        "group/other.bam",
    ):
        assert app.get(f"/jobs/{job}/results/{path}", status="*").status_int in (400, 404), path


def test_a_file_with_companions_is_a_group_of_files(app: TestApp, job: str) -> None:
    group = app.get(f"/jobs/{job}/results/group").json
    assert [link["title"] for link in group["links"] if link["rel"] == "item"] == ["main.bam", "main.bam.bai"]
    assert app.get(f"/jobs/{job}/results/group/main.bam.bai").text == "y\n"


def test_a_folder_of_the_package_itself_may_be_a_result(app: TestApp) -> None:
    """The package lies elsewhere than the job; its folder is put into the work folder as a whole."""
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": fresh("carried"),
        "requirements": {
            "InitialWorkDirRequirement": {"listing": [{"class": "Directory", "location": "d"}]},
        },
        "baseCommand": "true",
        "inputs": {},
        "outputs": {"d": {"type": "Directory", "outputBinding": {"glob": "d"}}},
    }
    parts = [("tool.cwl", tool), ("d/a.txt", "one"), ("d/sub/b.txt", "two")]
    kind, body = multipart([({"Content-Location": name}, content) for name, content in parts])
    job_id = submit(app, deploy(app, body, kind, status=201).json["id"])
    assert finished(app, job_id)["status"] == "successful"
    assert app.get(f"/jobs/{job_id}/results/d/sub/b.txt").text == "two"
    assert app.get(f"/jobs/{job_id}/results/d/a.txt").text == "one"
