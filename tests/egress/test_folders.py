"""Folders by their address: what they may name, how much they may hold, and where they may lead."""

import json
from collections.abc import Mapping
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from weaver_like.domain.errors import FetchFailed
from weaver_like.egress.guard import Guard
from weaver_like.egress.http import GuardedClient
from weaver_like.fetchers.base import NO_HEADERS
from weaver_like.fetchers.http import HttpFetcher
from weaver_like.fetchers.local import LocalFetcher
from weaver_like.files.listing import FolderFetcher
from weaver_like.files.stage import find_fetcher
from weaver_like.settings.sections import LimitsSettings

PRIVATE = "http://169.254.169.254/latest"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where folders are brought to."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def bring(uri: str, place: Path, headers: Mapping[str, str] = NO_HEADERS, **limits: int) -> Path:
    """What a worker does; the folder `open` beside `place` is open."""
    client = GuardedClient(Guard("127.0.0.1, localhost"), timeout_s=5)
    http = HttpFetcher(client)
    fetchers = {"http": http, "https": http, "file": LocalFetcher([place.parent / "open"])}
    folders = FolderFetcher(partial(find_fetcher, fetchers), LimitsSettings(**limits), lambda: None)
    return folders.fetch(uri, None, place, headers).path


def serve(site: ThreadingHTTPServer, **pages: object) -> None:
    """Serve pages; whatever is no text is JSON."""
    for path, content in pages.items():
        body = content if isinstance(content, str) else json.dumps(content)
        site.pages[path] = (200, {}, body.encode())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def links(*hrefs: str) -> str:
    return "<html>" + "".join(f'<a href="{href}">x</a>' for href in hrefs)


#: What a listing at /d/ says -> why it is refused.
REFUSED = {
    "a link that leads out when it is decoded": (links("..%2f..%2fx"), "an entry '../../x'"),
    "dots that are encoded": (links("%2e%2e/x"), "an entry '../x'"),
    "NUL in a link": (links("a%00b"), "an entry 'a"),
    "a name that is too long": (links("n" * 256), "an entry 'nnn"),
    "a file that is not there": (links("ok", "nothing"), "its entry 'nothing': "),
    "a file that is a folder, too": (links("ok", "ok/x"), "its entry 'ok' is a file, and also a folder"),
    "a link to a folder without its slash": (links("turns"), "leads to a folder"),
    "a page without links": ("<html>Please log in</html>", "has no links to what lies below it"),
    "a page that is no HTML": ("<![<", "is not HTML"),
    "a tag without an end": ("<a " + "x" * 1_100_000, "a tag without an end"),
    "100,000 links": (links(*map(str, range(100_000))), "more than 10000 files and folders"),
    "a folder that lists itself": (["circle/"], "lead in a circle"),
    "folders without end": (links("deep/"), "more than 10 folders deep"),
    "a name that leads out": ([{"name": "../x"}], "an entry '../x'"),
    "a name that goes in and out": ([{"name": "a/../../b"}], "an entry 'a/../../b'"),
    "an absolute name": ([{"name": "/etc/passwd"}], "an entry '/etc/passwd'"),
    "NUL in a name": ([{"name": "a\0b"}], "an entry 'a"),
    "no name": ([{"size": 1}], "an entry without 'name'"),
    "an address that leads out": (["../x"], "it lists '../x', which does not lie below it"),
    "an address elsewhere": ([PRIVATE], "does not lie below it"),
    "a key elsewhere": ({"Prefix": "d/", "Contents": [{"Key": "e/x"}]}, "it lists 'e/x'"),
    "a part of a listing": ({"IsTruncated": True, "Contents": []}, "not complete"),
    "two files of one name": (
        {
            "class": "Directory",
            "listing": [{"class": "File", "basename": "x", "location": place} for place in ("ok", "ok2")],
        },
        "two entries of the name 'x'",
    ),
    "a file without a place": ({"class": "Directory", "listing": [{"class": "File", "basename": "x"}]}, "where 'x' is"),
    "a private address": (
        {"class": "Directory", "listing": [{"class": "File", "basename": "x", "location": PRIVATE}]},
        "its entry 'x': The host '169.254.169.254' has a private address",
    ),
    "a file of this machine": (
        {"class": "Directory", "listing": [{"class": "File", "basename": "x", "location": "file:///etc/passwd"}]},
        "may not name files of this machine",
    ),
    "another document": ({"type": "FeatureCollection", "features": []}, "expected a ZIP or tar archive, an index page"),
    "too much to be a listing": ("x" * (10 * 2**20 + 1), "has 10485761 bytes; a listing has at most 10485760"),
    "no document": ("something", "expected a ZIP or tar archive, an index page"),
    "a broken document": ("[1", "is not JSON"),
    "an asset at a private address": (
        {"type": "Feature", "stac_version": "1.0.0", "assets": {"a": {"href": "ok"}, "b": {"href": PRIVATE}}},
        "its entry 'latest': The host '169.254.169.254' has a private address",
    ),
    "an asset of this machine": (
        {"type": "Feature", "stac_version": "1.0.0", "assets": {"b": {"href": "file:///etc/passwd"}}},
        "may not name files of this machine",
    ),
    "an asset without an address": ({"type": "Feature", "stac_version": "1.0.0", "assets": {"b": {}}}, "asset 'b' of"),
    "an asset that is a folder": ({"type": "Feature", "assets": {"b": {"href": "x/"}}}, "leads to a folder"),
    "an item that is none": (
        {"type": "Collection", "stac_version": "1.0.0", "links": [{"rel": "item", "href": "ok"}]},
        "is not a STAC document",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_as_a_whole_is_refused_with_the_reason(
    site: ThreadingHTTPServer, place: Path, name: str
) -> None:
    listing, reason = REFUSED[name]
    serve(site, **{"/d/": listing, "/d/ok": "fine", "/d/ok2": "fine"})
    for depth in range(20):
        serve(site, **{"/d/" + "deep/" * depth: links("deep/")} if name == "folders without end" else {})
    site.pages["/d/circle/"] = (302, {"Location": "/d/"}, b"")
    site.pages["/d/turns"] = (302, {"Location": "/d/turned/"}, b"")
    serve(site, **{"/d/turned/": links("x")})
    with pytest.raises(FetchFailed) as caught:
        bring(f"{site.url}/d/", place)
    assert reason in caught.value.detail
    assert f"'{site.url}/d/'" in caught.value.detail
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"file_bytes": 90}, "its entry 'b': "),
        ({"work_bytes": 250}, "its entry 'c': with it, the folder has more than the 250 bytes of limits.work_bytes"),
        ({"work_files": 2}, "more than 2 files and folders"),
    ],
    ids=["a file", "the folder", "the number of files"],
)
def test_a_folder_keeps_to_the_limits(
    site: ThreadingHTTPServer, place: Path, limits: dict[str, int], reason: str
) -> None:
    serve(site, **{"/d/": links("a", "b", "c"), "/d/a": "1" * 60, "/d/b": "2" * 100, "/d/c": "3" * 100})
    with pytest.raises(FetchFailed) as caught:
        bring(f"{site.url}/d/", place, **({"file_bytes": 1000} | limits))
    assert reason in caught.value.detail
    assert list(place.iterdir()) == []


def test_headers_and_credentials_go_to_the_server_of_the_folder_alone(site: ThreadingHTTPServer, place: Path) -> None:
    """As those of a file"""
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    files = [
        {"class": "File", "basename": "a", "location": "a"},
        {"class": "File", "basename": "b", "location": f"{elsewhere}/d/b"},
    ]
    site.pages["/d"] = (302, {"Location": "/d/"}, b"")
    serve(site, **{"/d/": {"class": "Directory", "listing": files}, "/d/a": "a", "/d/b": "b"})
    folder = bring(f"{site.url.replace('//', '//me:sekret@')}/d", place, {"X-Key": "sekret"})
    assert tree(folder) == {"a": b"a", "b": b"b"}
    sent = {path: {name for name in ("Authorization", "X-Key") if name in headers} for path, headers in site.asked}
    assert sent == {path: {"Authorization", "X-Key"} for path in ("/d", "/d/", "/d/a")} | {"/d/b": set()}


def test_a_stac_item_finds_its_assets_beside_it(site: ThreadingHTTPServer, place: Path) -> None:
    """Relative references that lead into the folder stay as they are, all others become relative."""
    assets = {
        "below": "./data/b%201.tif",
        "above": "../up.tif",
        "elsewhere": f"{site.url}/other/b2.tif",
        "signed": "data/b3.tif?sig=1",
        "same name": f"{site.url}/another/b2.tif",
        "again": f"{site.url}/other/b2.tif",
    }
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "assets": {key: {"href": href, "title": key} for key, href in assets.items()},
        "links": [
            {"rel": "self", "href": f"{site.url}/d/item.json"},
            {"rel": "collection", "href": "../collection.json"},
        ],
    }
    serve(
        site,
        **{
            "/d/item.json": item,
            "/d/data/b%201.tif": "below",
            "/up.tif": "above",
            "/other/b2.tif": "elsewhere",
            "/d/data/b3.tif?sig=1": "signed",
            "/another/b2.tif": "same name",
        },
    )
    folder = bring(f"{site.url}/d/item.json", place)
    assert folder.name == "item"
    copy = json.loads((folder / "item.json").read_text())
    assert copy["assets"]["below"]["href"] == "./data/b%201.tif"
    assert (folder / "data" / "b 1.tif").read_text() == "below"
    for key in ("above", "elsewhere", "signed", "same name"):
        assert (folder / copy["assets"][key]["href"]).read_text() == key
    assert copy["assets"]["again"]["href"] == copy["assets"]["elsewhere"]["href"]
    assert [link["rel"] for link in copy["links"]] == ["collection"], "a reader would take it for the base"
    assert len(tree(folder)) == 6


def test_a_stac_item_that_needs_no_change_comes_byte_for_byte(site: ThreadingHTTPServer, place: Path) -> None:
    text = '{"type": "Feature",  "stac_version": "1.0.0", "assets": {"a": {"href": "a.tif"}}}\n'
    serve(site, **{"/items/S2A_1": text, "/items/a.tif": "a"})
    assert tree(bring(f"{site.url}/items/S2A_1", place)) == {"S2A_1.json": text.encode(), "a.tif": b"a"}


def test_a_stac_collection_comes_with_its_items(site: ThreadingHTTPServer, place: Path) -> None:
    """Wherever they are: by relative links as they are, by others in a folder of their own; links home are kept."""

    def item(*hrefs: str) -> dict[str, object]:
        home = [{"rel": rel, "href": f"{site.url}/c/collection.json"} for rel in ("root", "parent", "collection")]
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "assets": {href[-5:]: {"href": href} for href in hrefs},
            "links": home,
        }

    items = ["./i1/i1.json", f"{site.url}/o/i2.json", "../p/i2.json"]
    links = [{"rel": "item", "href": href} for href in items] + [{"rel": "child", "href": "sub.json"}]
    circle = [{"rel": "child", "href": "sub.json"}]
    serve(
        site,
        **{
            "/c/collection.json": {"type": "Collection", "stac_version": "1.0.0", "links": links},
            "/c/sub.json": {"type": "Catalog", "stac_version": "1.0.0", "links": circle},
            "/c/i1/i1.json": item("1.tif"),
            "/o/i2.json": item("2.tif"),
            "/p/i2.json": item("2.tif", "../c/i1/1.tif"),
            **{path: path for path in ("/c/i1/1.tif", "/o/2.tif", "/p/2.tif")},
        },
    )
    folder = bring(f"{site.url}/c/collection.json", place)
    collection = json.loads((folder / "collection.json").read_text())
    hrefs = [link["href"] for link in collection["links"]]
    assert hrefs[0] == "./i1/i1.json"
    assert hrefs[3] == "sub.json"
    found = []
    for href in hrefs[:3]:
        copy = json.loads((folder / href).read_text())
        beside = (folder / href).parent
        found.append([(beside / asset["href"]).read_text() for asset in copy["assets"].values()])
        assert {(beside / link["href"]).resolve() for link in copy["links"]} == {folder / "collection.json"}
    assert found == [["/c/i1/1.tif"], ["/o/2.tif"], ["/p/2.tif", "/c/i1/1.tif"]]


def test_a_folder_of_the_operator_is_copied(place: Path) -> None:
    """No command may change the operator's own files through what it gets."""
    opened, closed = place.parent / "open", place.parent / "closed"
    (opened / "set" / "sub" / "empty").mkdir(parents=True)
    (opened / "set" / "a b.txt").write_text("one")
    (opened / "set" / "sub" / "c.txt").write_text("two")
    (opened / "set" / "inner").symlink_to(opened / "set" / "a b.txt")
    folder = bring(f"file://{opened}/set/", place)
    assert tree(folder) == {"a b.txt": b"one", "sub/c.txt": b"two", "inner": b"one"}
    assert (folder / "sub" / "empty").is_dir()
    (folder / "a b.txt").write_text("changed")
    assert (opened / "set" / "a b.txt").read_text() == "one"
    assert not (folder / "inner").is_symlink()
    closed.mkdir()
    for name, target, reason in (
        ("out", closed, "outside the folders that this server may read"),
        ("round", opened / "set", "more than 10 folders deep"),
    ):
        (opened / "set" / name).symlink_to(target)
        with pytest.raises(FetchFailed, match=reason):
            bring(f"file://{opened}/set", place)
        (opened / "set" / name).unlink()
