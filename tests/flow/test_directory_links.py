"""Inputs that are folders, by the address of an index page, a listing, a prefix, a STAC document or an archive."""

import io
import json
import zipfile
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from webtest import TestApp

from tests.support.client import Served, end_of
from tests.support.packages import deploy, fresh
from tests.support.s3_server import S3Server

TREE = {"a b.txt": "one", "sub/é.txt": "two"}
SHOWN = "./a b.txt: one\n./sub/é.txt: two\n"
TYPE = {"type": "application/directory"}
SORTED = '<a href="?C=N;O=D">Name</a> <a href="../">Parent</a> <a href="/">Top</a> <a href="http://192.0.2.1/x">x</a>'


def showing(**member: object) -> dict:
    """A tool that shows every file of its input with its content."""
    script = 'cd "$0" && find . -type f | LC_ALL=C sort | while read -r f; do printf "%s: " "$f"; cat "$f"; echo; done'
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": fresh("dir"),
        "baseCommand": ["sh", "-c", script],
        "stdout": "found.txt",
        "inputs": {"folder": {"type": "Directory", "inputBinding": {}} | member},
        "outputs": {"found": "stdout"},
    }


@pytest.fixture(scope="module")
def of_a_folder(app: TestApp) -> str:
    return deploy(app, showing(), status=201).json["id"]


@pytest.fixture
def folders(site: ThreadingHTTPServer) -> ThreadingHTTPServer:
    """A web server with the same tree in every form."""
    files = {f"/d/{quote(path)}": text.encode() for path, text in TREE.items()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for path, text in TREE.items():
            target.writestr(path, text)
    documents = {
        "/nginx/": [{"name": "a b.txt", "type": "file", "size": 3}, {"name": "sub", "type": "directory"}],
        "/nginx/sub/": [{"name": "é.txt", "type": "file", "mtime": "Wed, 01 Jan 2025 00:00:00 GMT"}],
        "/d/list.json": ["a%20b.txt", f"{site.url}/d/sub/%C3%A9.txt"],
        "/?list-type=2&prefix=d/": {"Prefix": "d/", "Contents": [{"Key": "d/a b.txt"}, {"Key": "d/sub/é.txt"}]},
        "/cwl": {
            "class": "Directory",
            "listing": [
                {"class": "File", "location": "/d/a%20b.txt"},
                {"class": "Directory", "basename": "sub", "location": f"{site.url}/html/sub/"},
            ],
        },
    }
    pages = {"/html/": SORTED + '<a href="a%20b.txt">a</a><a href="./sub/">s</a><a href="a%20b.txt">a</a>'}
    pages["/html/sub/"] = '<A HREF="/html/sub/%C3%A9.txt#top">e</A>'
    for root in ("/d/", "/html/", "/nginx/"):
        site.pages |= {path.replace("/d/", root): (200, {}, body) for path, body in files.items()}
    for path, document in documents.items():
        site.pages[path] = (200, {"Content-Type": "application/json"}, json.dumps(document).encode())
    site.pages |= {path: (200, {"Content-Type": "text/html"}, page.encode()) for path, page in pages.items()}
    site.pages["/html"] = (301, {"Location": "/html/"}, b"")
    site.pages["/archive"] = (200, {}, archive.getvalue())
    return site


LINKS = {
    "an index page": ("/html/", TYPE),
    "an index page, without a media type": ("/html/", {}),
    "an index page, by its own media type": ("/html/", {"type": "text/html"}),
    "an index page, after a redirect": ("/html", TYPE),
    "a listing of nginx": ("/nginx/", {"type": "application/json"}),
    "a list of addresses": ("/d/list.json", {}),
    "an answer of S3 as JSON": ("/?list-type=2&prefix=d/", TYPE),
    "an object of CWL": ("/cwl", {}),
    "an archive that nothing calls so": ("/archive", {}),
    "an archive that is called a folder": ("/archive", TYPE),
}
RECORD = {"type": "record", "fields": {"inner": "Directory"}}


@pytest.mark.parametrize("name", LINKS)
def test_a_folder_by_link(app: TestApp, folders: ThreadingHTTPServer, of_a_folder: str, name: str) -> None:
    path, members = LINKS[name]
    assert shown(app, of_a_folder, {"href": folders.url + path} | members) == SHOWN


def shown(app: TestApp, process_id: str, given: object) -> str:
    body = {"inputs": {"folder": given}, "response": "raw"}
    return app.post_json(f"/processes/{process_id}/execution", body, status=200).text


@pytest.mark.parametrize(
    ("kind", "wrap", "name"),
    [
        ("Directory", lambda one: one, "my folder"),
        (RECORD, lambda one: {"inner": one}, "my folder"),
        ({"type": "array", "items": {"type": "array", "items": "Directory"}}, lambda one: [[one]], "my folder"),
        (RECORD, lambda one: {"inner": {"href": one["location"], **TYPE}}, "html"),
    ],
    ids=["itself", "in a record", "in an array of arrays", "a link in a record"],
)
def test_a_directory_of_cwl_by_its_location(
    app: TestApp, folders: ThreadingHTTPServer, kind: object, wrap: Callable[[dict], object], name: str
) -> None:
    """CWL v1.2, CommandLineTool.html, "Directory": at any depth, and under its own name"""
    tool = showing(type=kind) | {"requirements": {"InlineJavascriptRequirement": {}}}
    find = "var one = inputs.folder; while (!one.path) { one = one.inner || one[0]; } return one"
    tool["inputs"]["folder"].pop("inputBinding")
    tool["arguments"] = ["${" + find + ".path;}", "${" + find + ".basename;}"]
    tool["baseCommand"][2] += '; echo "$1"'
    process_id = deploy(app, tool, status=201).json["id"]
    given = {"class": "Directory", "location": f"{folders.url}/html/", "basename": "my folder"}
    assert shown(app, process_id, wrap(given)) == f"{SHOWN}{name}\n"


def test_a_directory_with_a_listing_needs_no_location(app: TestApp) -> None:
    """CWL v1.2, CommandLineTool.html, "Directory": the listing says what is in it"""
    inside = {"class": "Directory", "basename": "sub", "listing": [], "location": "http://192.0.2.1/sub/"}
    literal = {"class": "File", "basename": "a", "contents": "one"}
    given = {"class": "Directory", "basename": "d", "location": "http://10.0.0.1/d/", "listing": [inside, literal]}
    tool = showing() | {"baseCommand": ["sh", "-c", 'ls "$0"; cat "$0/a"']}
    process_id = deploy(app, tool, status=201).json["id"]
    assert shown(app, process_id, given) == "a\nsub\none"


def test_a_result_that_is_a_folder_is_an_input(folders: ThreadingHTTPServer, serve: Callable) -> None:
    """By the link to it, whose listing says where the files are."""
    same = {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "id": "same",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {"folder": "Directory"},
        "outputs": {"made": "Directory"},
        "expression": "${return {made: inputs.folder};}",
    }
    served: Served = serve()
    for tool in (same, showing() | {"id": "shows"}):
        assert served.get("/processes", "POST", tool, {"Content-Type": "application/cwl+json"})[0] == 201
    job_id = served.submit("same", {"folder": {"href": f"{folders.url}/html/"}})
    assert end_of(served, job_id)["status"] == "successful"
    body = {"inputs": {"folder": {"href": f"{served.url}/jobs/{job_id}/results/made"}}, "response": "raw"}
    status, text, _ = served.get("/processes/shows/execution", "POST", body)
    assert (status, text) == (200, SHOWN.encode())


def test_a_stac_item_by_link_comes_with_its_assets(app: TestApp, site: ThreadingHTTPServer, of_a_folder: str) -> None:
    item = {"type": "Feature", "stac_version": "1.0.0", "assets": {"a": {"href": "./a.tif"}}}
    site.pages |= {"/item.json": (200, {}, json.dumps(item).encode()), "/a.tif": (200, {}, b"pixels")}
    given = {"href": f"{site.url}/item.json", "type": "application/geo+json"}
    assert shown(app, of_a_folder, given) == f"./a.tif: pixels\n./item.json: {json.dumps(item)}\n"


def test_a_folder_or_a_file_is_what_its_link_says(app: TestApp, folders: ThreadingHTTPServer) -> None:
    """Where the package takes both"""
    script = 'test -d "$0" && echo folder || echo file'
    tool = showing(type=["File", "Directory"]) | {"baseCommand": ["sh", "-c", script]}
    process_id = deploy(app, tool, status=201).json["id"]
    assert shown(app, process_id, {"href": f"{folders.url}/html/"}) == "folder\n"
    assert shown(app, process_id, {"href": f"{folders.url}/html", **TYPE}) == "folder\n"
    assert shown(app, process_id, {"href": f"{folders.url}/d/list.json"}) == "file\n"


def test_a_prefix_of_s3_and_a_folder_of_the_operator(
    make_app: Callable, s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    """security.s3_buckets, security.file_roots"""
    app = make_app(
        f"files.s3_endpoint={s3.url}", f"security.s3_buckets={bucket}/in", f"security.file_roots={tmp_path / 'open'}"
    )
    item = {"type": "Feature", "stac_version": "1.0.0", "assets": {"a": {"href": "./a%20b.txt"}}}
    for path, text in (TREE | {"sub/deep/": ""}).items():
        s3.client.put_object(Bucket=bucket, Key=f"in/set/{path}", Body=text.encode())
    s3.client.put_object(Bucket=bucket, Key="in/set/", Body=b"")
    s3.client.put_object(Bucket=bucket, Key="in/set2/x", Body=b"a neighbour")
    s3.client.put_object(Bucket=bucket, Key="in/stac/item.json", Body=json.dumps(item).encode())
    s3.client.put_object(Bucket=bucket, Key="in/stac/a b.txt", Body=b"one")
    for path, text in TREE.items():
        (tmp_path / "open" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "open" / path).write_text(text)
    process_id = deploy(app, showing(), status=201).json["id"]
    place = f"s3://{bucket}/in"
    for given in (
        {"href": f"{place}/set/"},
        {"href": f"{place}/set", **TYPE},
        {"class": "Directory", "location": f"{place}/set/"},
        {"href": f"file://{tmp_path}/open/"},
        {"href": f"file://{tmp_path}/open", **TYPE},
    ):
        assert shown(app, process_id, given) == SHOWN, given
    found = shown(app, process_id, {"href": f"{place}/stac/item.json"})
    assert found == f"./a b.txt: one\n./item.json: {json.dumps(item)}\n"
    for href, reason in (
        (f"s3://{bucket}/", "security.s3_buckets"),
        (f"s3://{bucket}/in2/", "security.s3_buckets"),
        (f"s3://{bucket}/in/../", "'.' or '..'"),
        (f"file://{tmp_path}/", "security.file_roots"),
    ):
        fault = refused(app, process_id, {"href": href})
        assert (fault["pointer"], reason in fault["detail"]) == ("/inputs/folder/href", True), fault
    fault = refused(app, process_id, {"href": f"{place}/nothing/"})
    assert fault == {
        "pointer": "/inputs/folder",
        "detail": f"'{place}/nothing/' could not be listed: no object has a key that begins so.",
    }
    s3.client.put_object(Bucket=bucket, Key="in/bad/a/../b", Body=b"x")
    assert "an entry 'a/../b'" in refused(app, process_id, {"href": f"{place}/bad/"})["detail"]


def refused(app: TestApp, process_id: str, given: object) -> dict:
    """The only fault of a request."""
    answer = app.post_json(f"/processes/{process_id}/execution", {"inputs": {"folder": given}}, status=400)
    [fault] = answer.json["errors"]
    return fault


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ('<a href="a">a</a>', "its entry 'a': '{url}/bad/a' answered with HTTP status 404."),
        ('["x"', "'{url}/bad/' is not JSON: "),
        ("noise", "'{url}/bad/' lists nothing; expected a ZIP or tar archive, an index page, "),
    ],
    ids=["a missing file", "a broken listing", "noise"],
)
@pytest.mark.parametrize("form", ["link", "object"])
def test_a_folder_that_cannot_be_had_is_a_fault_of_the_input(
    app: TestApp, site: ThreadingHTTPServer, of_a_folder: str, page: str, reason: str, form: str
) -> None:
    site.pages["/bad/"] = (200, {}, page.encode())
    url = f"{site.url}/bad/"
    given = {"href": url, **TYPE} if form == "link" else {"class": "Directory", "location": url}
    fault = refused(app, of_a_folder, given)
    assert fault["pointer"] == "/inputs/folder"
    assert reason.format(url=site.url).rstrip(".") in fault["detail"]


def test_other_media_types_are_refused_at_submission(app: TestApp, of_a_folder: str) -> None:
    fault = refused(app, of_a_folder, {"href": "https://example.org/x", "type": "image/png"})
    assert "got 'image/png'" in fault["detail"]
