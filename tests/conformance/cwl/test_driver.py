"""The driver of the CWL suite: what it sends and how it judges, with small documents of its own."""

import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from email import message_from_bytes
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conformance.cwl import bundle
from tests.conformance.cwl.compare import Mismatch, compare
from tests.conformance.cwl.inputs import execution_inputs, serve_files
from tests.conformance.cwl.results import collect, wanted_outputs
from tests.conformance.cwl.suite import Case, read_suite

TEXT = "one line\n"
CHECKSUM = "sha1$" + hashlib.sha1(TEXT.encode()).hexdigest()


def write(folder: Path, **files: str) -> Path:
    """Files below a folder, `a__b_cwl` as `a/b.cwl`; the folder."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(packed: bundle.Bundle) -> list[str]:
    return [packed.name(path) for path in packed.files]


def make_case(tool: Path, job: Path | None = None, process: str | None = None) -> Case:
    return Case("one", frozenset(), tool, process, job, {}, False)


def test_a_suite_is_read_with_what_it_imports(tmp_path: Path) -> None:
    write(tmp_path, more__index_yaml="[{id: b, tool: b.cwl#inner, should_fail: true, tags: [x]}]")
    listed = "- {id: a, tool: t/a.cwl, job: t/a.json, output: {n: 1}, tags: [required]}\n- $import: more/index.yaml\n"
    (tmp_path / "conformance_tests.yaml").write_text(listed)
    first, second = read_suite(tmp_path)
    assert first == Case(
        "a", frozenset({"required"}), tmp_path / "t/a.cwl", None, tmp_path / "t/a.json", {"n": 1}, False
    )
    assert second == Case("b", frozenset({"x"}), tmp_path / "more/b.cwl", "inner", None, None, True)


class TestBundle:
    def test_it_follows_every_kind_of_reference(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            w_cwl="""
            steps: {a: {run: sub/tool.cwl#main, in: {f: {default: {class: File, path: data/in.txt}}}}, b: {run: "#inner"}}
            $schemas: [terms.rdf, "http://example.org/far.rdf"]
            hints: [{$import: hint.yml}]""",
            sub__tool_cwl='{"$graph": [{"id": "main", "requirements": [{"expressionLib": [{"$include": "lib.js"}]}]}, {"run": "../w.cwl"}]}',
            sub__lib_js="run: not.a.document",
            hint_yml="$mixin: deep.yml",
            deep_yml="{class: Directory, location: tree/}",
            terms_rdf="<rdf/>",
            data__in_txt=TEXT,
            tree__x__y_txt=TEXT,
            tree__z_txt=TEXT,
            other_cwl="{}",
        )
        packed = bundle.collect(tmp_path / "w.cwl")
        assert names(packed)[0] == "w.cwl"
        assert set(names(packed)) == {
            "w.cwl",
            "sub/tool.cwl",
            "sub/lib.js",
            "hint.yml",
            "deep.yml",
            "terms.rdf",
            "data/in.txt",
            "tree/x/y.txt",
            "tree/z.txt",
        }

    def test_its_root_is_the_parent_of_all_its_files(self, tmp_path: Path) -> None:
        write(tmp_path, a__b__main_cwl="steps: [{run: ../other.cwl}]", a__other_cwl="{}")
        assert names(bundle.collect(tmp_path / "a/b/main.cwl")) == ["b/main.cwl", "other.cwl"]

    def test_companions_of_a_default_come_along_if_there_may_be_any(self, tmp_path: Path) -> None:
        inputs = "inputs: [{id: f, %s default: {class: File, location: in.txt}}]"
        write(
            tmp_path,
            with_cwl=inputs % "secondaryFiles: [^.b, .c],",
            without_cwl=inputs % "",
            in_txt=TEXT,
            in_b=TEXT,
            in_txt_c=TEXT,
            inner_txt=TEXT,
        )
        assert names(bundle.collect(tmp_path / "with.cwl")) == ["with.cwl", "in.txt", "in.b", "in.txt.c"]
        assert names(bundle.collect(tmp_path / "without.cwl")) == ["without.cwl", "in.txt"]

    def test_what_is_not_there_is_left_to_the_server(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            broken_cwl="{a: [",
            a_cwl="steps: [{run: absent.cwl}, {run: 'https://example.org/b.cwl'}]\nx: {class: File, location: $(inputs.y)}",
        )
        assert names(bundle.collect(tmp_path / "a.cwl")) == ["a.cwl"]
        assert bundle.collect(tmp_path / "broken.cwl").main is None

    def test_one_document_is_sent_alone(self, tmp_path: Path) -> None:
        write(tmp_path, a_cwl="# comment\nclass: Workflow\n", b_cwl='{"class": "Workflow"}')
        assert bundle.render(bundle.collect(tmp_path / "a.cwl")) == (
            "application/cwl+yaml",
            b"# comment\nclass: Workflow\n",
        )
        assert bundle.render(bundle.collect(tmp_path / "b.cwl"))[0] == "application/cwl+json"

    def test_several_are_parts_with_their_own_bytes(self, tmp_path: Path) -> None:
        write(tmp_path, main_cwl="a: {$include: x__.bin}\nsteps: [{run: two words.cwl}]\n")
        (tmp_path / "x__.bin").write_bytes(b"\r\n\x00\xff--\r\n")
        (tmp_path / "two words.cwl").write_text("{}")
        content_type, body = bundle.render(bundle.collect(tmp_path / "main.cwl"))
        message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        assert message.get_content_type() == "multipart/related"
        assert message.get_param("type") == message.get_payload()[0].get_content_type() == "application/cwl+yaml"
        assert [unquote(part["Content-Location"]) for part in message.get_payload()] == [
            "main.cwl",
            "x__.bin",
            "two words.cwl",
        ]
        assert b"\r\n\r\n\r\n\x00\xff--\r\n\r\n--" in body

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("requirements: {DockerRequirement: {dockerPull: a}}", True),
            ("requirements: [{class: DockerRequirement}]", True),
            ("hints: [{class: DockerRequirement}]", False),
            ("hints: {DockerRequirement: {}}\nrequirements: []", False),
        ],
    )
    def test_a_container_is_needed_if_it_is_required(self, tmp_path: Path, text: str, wanted: bool) -> None:
        write(tmp_path, w_cwl="steps: {a: {run: t.cwl}}", t_cwl=text)
        assert bundle.needs_docker(bundle.collect(tmp_path / "w.cwl")) is wanted

    @pytest.mark.parametrize(("process", "wanted"), [(None, {"m"}), ("other", {"o"})])
    def test_the_inputs_are_those_of_the_process_meant(
        self, tmp_path: Path, process: str | None, wanted: set[str]
    ) -> None:
        write(
            tmp_path,
            g_cwl="$graph: [{id: '#other', inputs: [{id: '#other/o', type: int}]}, {id: main, inputs: {m: int}}]",
        )
        assert bundle.declared_inputs(bundle.collect(tmp_path / "g.cwl"), process) == wanted

    def test_imported_inputs_are_declared(self, tmp_path: Path) -> None:
        write(tmp_path, a_cwl="inputs: {$import: i.yml}", i_yml="[{id: x}]")
        assert bundle.declared_inputs(bundle.collect(tmp_path / "a.cwl"), None) == {"x"}


class TestInputs:
    def made(self, folder: Path, job: str, declared: str = "[{id: x}]") -> dict:
        write(folder, tools__t_cwl=f"inputs: {declared}\n$namespaces: {{ex: 'http://example.org/'}}", jobs__j_yml=job)
        case = make_case(folder / "tools/t.cwl", folder / "jobs/j.yml")
        return execution_inputs(case, bundle.collect(case.tool), folder, "http://here")

    def test_what_is_null_or_not_declared_is_left_out(self, tmp_path: Path) -> None:
        made = self.made(tmp_path, "{x: [1, null], y: null, z: 3, 'cwl:requirements': []}", "{x: 'int[]', y: int?}")
        assert made == {"x": [1, None], "cwl:requirements": []}

    def test_no_job_is_no_inputs(self, tmp_path: Path) -> None:
        write(tmp_path, t_cwl="inputs: []")
        assert (
            execution_inputs(make_case(tmp_path / "t.cwl"), bundle.collect(tmp_path / "t.cwl"), tmp_path, "http://here")
            == {}
        )

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
            "x: [{class: Directory, location: tree/}, {class: Directory, basename: n, listing: [{class: File, path: b}]}]",
        )
        assert made["x"] == [
            {"class": "Directory", "basename": "tree", "location": "http://here/jobs/tree.tar"},
            {"class": "Directory", "basename": "n", "listing": [{"class": "File", "location": "http://here/jobs/b"}]},
        ]

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


FILE = {
    "class": "File",
    "location": "work/a.txt",
    "basename": "a.txt",
    "size": 3,
    "checksum": "sha1$1",
    "contents": "abc",
}
FOLDER = {
    "class": "Directory",
    "location": "d",
    "basename": "d",
    "listing": [FILE, FILE | {"location": "d/b", "basename": "b"}],
}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("Any", {"x": 1}),
        ("Any", None),
        (None, None),
        ({"x": None}, {}),
        ({}, {"x": None}),
        (1, 1.0),
        ([1, "a"], [1, "a"]),
        ({"x": {"y": [True]}}, {"x": {"y": [True]}}),
        ({"class": "File", "location": "a.txt", "size": 3}, FILE),
        ({"class": "File", "path": "work/a.txt", "contents": "abc"}, FILE),
        ({"class": "File", "location": "Any", "checksum": "sha1$1"}, FILE),
        ({"class": "File", "location": "a%20b"}, FILE | {"location": "x/a b"}),
        (
            {
                "class": "File",
                "basename": "a.txt",
                "secondaryFiles": [{"class": "File", "location": "b"}, {"class": "File", "location": "c"}],
            },
            FILE | {"secondaryFiles": [{"class": "File", "location": "c"}, {"class": "File", "location": "b"}]},
        ),
        (
            {
                "class": "Directory",
                "listing": [{"class": "File", "location": "b"}, {"class": "File", "location": "a.txt"}],
            },
            FOLDER,
        ),
        ({"class": "Directory", "location": "d/"}, FOLDER),
    ],
)
def test_these_are_the_same(expected: object, actual: object) -> None:
    compare(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "where"),
    [
        (None, 1, "outputs"),
        (1, None, "outputs"),
        (1, True, "outputs"),
        (1, "1", "outputs"),
        ({"x": 1}, [1], "outputs"),
        ({"x": 1}, {"x": 1, "y": 2}, "outputs.y"),
        ({"x": "Any", "y": 1}, {"x": 1}, "outputs.y"),
        ({"x": []}, {"x": {}}, "outputs.x"),
        ([1], [1, 2], "outputs"),
        ([1, 2], [2, 1], r"outputs\[0\]"),
        ({"class": "File"}, None, "outputs"),
        ({"class": "File"}, {"class": "Directory"}, "class"),
        ({"class": "File", "location": "b.txt"}, FILE, "location"),
        ({"class": "File", "location": ".txt"}, FILE, "location"),
        ({"class": "File", "size": 4}, FILE, "size"),
        ({"class": "File", "checksum": "sha1$2"}, FILE, "checksum"),
        ({"class": "File", "contents": "abd"}, FILE, "contents"),
        ({"class": "File", "format": "f"}, FILE, "format"),
        ({"class": "File", "secondaryFiles": [{"class": "File", "location": "b"}]}, FILE, "secondaryFiles"),
        ({"class": "Directory", "listing": [{"class": "File", "location": "b"}]}, FOLDER, "listing"),
        ({"class": "Directory", "listing": [{"class": "File", "location": "b"}] * 2}, FOLDER, r"listing\[1\]"),
    ],
)
def test_these_are_not(expected: object, actual: object, where: str) -> None:
    with pytest.raises(Mismatch, match=where):
        compare(expected, actual)
