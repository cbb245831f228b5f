"""The driver of the CWL suite: what it sends and how it judges, with small documents of its own."""

import io
import json
import tarfile
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conformance.cwl import bundle
from tests.conformance.cwl.compare import Mismatch
from tests.conformance.cwl.documents import CHECKSUM, TEXT, make_case, write
from tests.conformance.cwl.inputs import Dress, Place, execution_inputs, serve_files
from tests.conformance.cwl.results import collect, wanted_outputs
from tests.conformance.cwl.suite import Case, read_suite


def test_a_suite_is_read_with_what_it_imports(tmp_path: Path) -> None:
    write(tmp_path, more__index_yaml="[{id: b, tool: b.cwl#inner, should_fail: true, tags: [x]}]")
    listed = "- {id: a, tool: t/a.cwl, job: t/a.json, output: {n: 1}, tags: [required]}\n- $import: more/index.yaml\n"
    (tmp_path / "conformance_tests.yaml").write_text(listed)
    first, second = read_suite(tmp_path)
    assert first == Case(
        "a", frozenset({"required"}), tmp_path / "t/a.cwl", None, tmp_path / "t/a.json", {"n": 1}, False
    )
    assert second == Case("b", frozenset({"x"}), tmp_path / "more/b.cwl", "inner", None, None, True)


A_FILE = {"class": "File", "location": "http://here/jobs/a"}


class TestInputs:
    def made(self, folder: Path, job: str, declared: str = "[{id: x}]", dress: Dress = Dress.CWL) -> dict:
        write(folder, tools__t_cwl=f"inputs: {declared}\n$namespaces: {{ex: 'http://example.org/'}}", jobs__j_yml=job)
        case = make_case(folder / "tools/t.cwl", folder / "jobs/j.yml")
        return execution_inputs(case, bundle.collect(case.tool), Place(folder, "http://here"), dress)

    def test_what_is_null_or_not_declared_is_left_out(self, tmp_path: Path) -> None:
        made = self.made(tmp_path, "{x: [1, null], y: null, z: 3, 'cwl:requirements': []}", "{x: 'int[]', y: int?}")
        assert made == {"x": [1, None], "cwl:requirements": []}

    def test_no_job_is_no_inputs(self, tmp_path: Path) -> None:
        write(tmp_path, t_cwl="inputs: []")
        case = make_case(tmp_path / "t.cwl")
        assert execution_inputs(case, bundle.collect(case.tool), Place(tmp_path, "http://here")) == {}

    def test_a_date_stays_a_text(self, tmp_path: Path) -> None:
        assert self.made(tmp_path, "x: 2024-02-03") == {"x": "2024-02-03"}

    def test_files_get_addresses_wherever_they_are(self, tmp_path: Path) -> None:
        made = self.made(
            tmp_path,
            """
            x:
              - {class: File, location: ../a%20%231.txt, size: 99, checksum: sha1$no, format: ex:text,
                 secondaryFiles: [{class: File, path: 'b#2.txt'}]}
              - {class: File, location: "https://example.org/c", format: other:c}
              - {inner: {class: File, contents: abc, basename: d}}""",
        )
        assert made["x"] == [
            {
                "class": "File",
                "location": "http://here/a%20%231.txt",
                "format": "http://example.org/text",
                "secondaryFiles": [{"class": "File", "location": "http://here/jobs/b%232.txt"}],
            },
            {"class": "File", "location": "https://example.org/c", "format": "other:c"},
            {"inner": {"class": "File", "contents": "abc", "basename": "d"}},
        ]

    def test_folders_become_archives_and_listings_stay(self, tmp_path: Path) -> None:
        made = self.made(
            tmp_path,
            "x: [{class: Directory, location: tree/}, "
            "{class: Directory, basename: n, listing: [{class: File, path: b}]}]",
        )
        assert made["x"] == [
            {"class": "Directory", "basename": "tree", "location": "http://here/jobs/tree.tar"},
            {"class": "Directory", "basename": "n", "listing": [{"class": "File", "location": "http://here/jobs/b"}]},
        ]

    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            ("{class: File, path: a%1.txt}", {"href": "http://here/jobs/a%251.txt", "type": "text/plain"}),
            ("{class: File, location: a, size: 1}", {"href": "http://here/jobs/a"}),
            ("{class: Directory, path: d}", {"href": "http://here/jobs/d.tar", "type": "application/directory"}),
            ("[{class: File, path: a}]", [{"href": "http://here/jobs/a"}]),
            (
                "{class: other, inner: {class: File, path: a}}",
                {"class": "other", "inner": {"href": "http://here/jobs/a"}},
            ),
            ("{location: a}", {"location": "a"}),
            ("{class: File, contents: a}", {"class": "File", "contents": "a"}),
            (
                "{class: File, path: a, basename: b}",
                {"class": "File", "location": "http://here/jobs/a", "basename": "b"},
            ),
            ("{class: File, path: a, format: f}", {"class": "File", "location": "http://here/jobs/a", "format": "f"}),
            (
                "{class: File, path: a, secondaryFiles: [{class: File, path: b}]}",
                A_FILE | {"secondaryFiles": [{"class": "File", "location": "http://here/jobs/b"}]},
            ),
        ],
    )
    def test_links_stand_for_what_they_can_say_whole(self, tmp_path: Path, value: str, sent: object) -> None:
        assert self.made(tmp_path, f"x: {value}", dress=Dress.OGC) == {"x": sent}

    def test_the_web_server_has_files_and_archives_of_folders(self, tmp_path: Path) -> None:
        write(tmp_path, sub__in__a_txt=TEXT)
        (tmp_path / "sub" / "a #1.txt").write_text(TEXT)
        with serve_files(tmp_path) as url:
            with urllib.request.urlopen(f"{url}/sub/a%20%231.txt") as answer:
                assert answer.read().decode() == TEXT
            with (
                urllib.request.urlopen(f"{url}/sub.tar") as answer,
                tarfile.open(fileobj=io.BytesIO(answer.read())) as archive,
            ):
                assert set(archive.getnames()) == {"a #1.txt", "in", "in/a.txt"}
            for absent in ("sub", "sub/", "nothing", "nothing.tar"):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(f"{url}/{absent}")


class TestResults:
    """Files of results, downloaded from a web server."""

    @pytest.fixture
    def fetch(self, site: ThreadingHTTPServer):
        site.pages["/jobs/1/out/a%20b.txt"] = 200, {}, TEXT.encode()
        site.pages["/listing"] = (
            200,
            {},
            json.dumps(
                {
                    "class": "Directory",
                    "basename": "d",
                    "listing": [{"class": "File", "basename": "x", "location": f"{site.url}/jobs/1/out/a%20b.txt"}],
                }
            ).encode(),
        )
        site.pages["/plain.json"] = 200, {}, b"[1]"
        return lambda url: urllib.request.urlopen(url).read()

    def test_a_link_is_a_file_with_what_it_holds(self, site: ThreadingHTTPServer, fetch) -> None:
        href = f"{site.url}/jobs/1/out/a%20b.txt"
        wanted = {
            "class": "File",
            "basename": "a b.txt",
            "location": "a b.txt",
            "size": len(TEXT),
            "checksum": CHECKSUM,
            "contents": TEXT,
        }
        assert collect({"out": {"href": href, "type": "text/plain"}}, fetch) == {"out": wanted}
        described = {"href": href, "type": "text/plain", "schema": "http://example.org/f"}
        assert collect({"out": described}, fetch) == {"out": wanted | {"format": "http://example.org/f"}}
        assert collect(
            {"out": {"value": [{"class": "File", "location": href}], "mediaType": "application/json"}}, fetch
        ) == {"out": [wanted]}

    def test_secondary_files_and_records_are_followed(self, site: ThreadingHTTPServer, fetch) -> None:
        file = {
            "class": "File",
            "location": f"{site.url}/jobs/1/out/a%20b.txt",
            "basename": "named",
            "format": "http://example.org/f",
        }
        made = collect({"record": {"n": 1, "f": file | {"secondaryFiles": [file]}}}, fetch)["record"]
        assert made["n"] == 1
        assert made["f"]["format"] == "http://example.org/f"
        assert made["f"]["secondaryFiles"][0]["checksum"] == CHECKSUM
        assert made["f"]["location"] == "named"

    def test_a_folder_comes_as_an_object_or_behind_a_link(self, site: ThreadingHTTPServer, fetch) -> None:
        made = collect({"d": {"href": f"{site.url}/listing", "type": "application/json"}}, fetch)["d"]
        assert made["listing"][0]["location"] == "d/x"
        assert made["listing"][0]["checksum"] == CHECKSUM
        inner = {"class": "Directory", "basename": "in", "listing": []}
        made = collect({"class": "Directory", "basename": "out", "listing": [inner]}, fetch)
        assert made["listing"] == [inner | {"location": "out/in"}]

    def test_a_file_with_companions_may_be_behind_a_link_too(self, site: ThreadingHTTPServer, fetch) -> None:
        file = {"class": "File", "basename": "named", "location": f"{site.url}/plain.json"}
        site.pages["/described"] = 200, {}, json.dumps([file | {"secondaryFiles": [file]}]).encode()
        made = collect({"href": f"{site.url}/described", "type": "application/json; charset=utf-8"}, fetch)
        assert [(entry["location"], entry["secondaryFiles"][0]["size"]) for entry in made] == [("named", 3)]

    def test_json_that_describes_no_folder_is_a_file(self, site: ThreadingHTTPServer, fetch) -> None:
        made = collect({"href": f"{site.url}/plain.json", "type": "application/json"}, fetch)
        assert (made["class"], made["basename"], made["size"]) == ("File", "plain.json", 3)

    def test_only_files_are_wanted_by_reference(self) -> None:
        file = {"type": "string", "contentEncoding": "binary", "contentMediaType": "text/plain"}
        schemas = {
            "n": {"type": "integer"},
            "record": {"type": "object"},
            "ns": {"type": "array", "items": {"type": "integer"}},
            "f": file,
            "fs": {"type": "array", "items": file},
            "maybe": {"oneOf": [{"type": "integer"}, file]},
        }
        wanted = wanted_outputs({"outputs": {name: {"schema": schema} for name, schema in schemas.items()}})
        assert {name for name, entry in wanted.items() if entry["transmissionMode"] == "reference"} == {
            "f",
            "fs",
            "maybe",
        }
        assert set(wanted) == set(schemas)

    @pytest.mark.parametrize("said", [{"size": 1}, {"checksum": "sha1$0"}])
    def test_a_server_that_says_the_wrong_size_or_checksum_is_found_out(
        self, site: ThreadingHTTPServer, fetch, said: dict
    ) -> None:
        with pytest.raises(Mismatch, match=next(iter(said))):
            collect({"class": "File", "location": f"{site.url}/jobs/1/out/a%20b.txt"} | said, fetch)
