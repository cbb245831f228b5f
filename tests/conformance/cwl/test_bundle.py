"""What the driver of the CWL suite sends: a document with everything it refers to."""

import json
from email import message_from_bytes
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conformance.cwl import bundle
from tests.conformance.cwl.documents import TEXT, names, write


class TestBundle:
    def test_it_follows_every_kind_of_reference(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            w_cwl="""
            steps:
              a: {run: sub/tool.cwl#main, in: {f: {default: {class: File, path: data/in.txt}}}}
              b: {run: "#inner"}
            $schemas: [terms.rdf, "http://example.org/far.rdf"]
            hints: [{$import: hint.yml}]""",
            sub__tool_cwl='{"$graph": [{"id": "main", "requirements": [{"expressionLib": [{"$include": "lib.js"}]}]}, '
            '{"run": "../w.cwl"}]}',
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
            a_cwl="steps: [{run: absent.cwl}, {run: 'https://example.org/b.cwl'}]\n"
            "x: {class: File, location: $(inputs.y)}",
        )
        assert names(bundle.collect(tmp_path / "a.cwl")) == ["a.cwl"]
        assert bundle.collect(tmp_path / "broken.cwl").main is None

    def test_what_is_outside_of_a_folder_is_not_sent(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            secret_txt=TEXT,
            in__a_cwl=f"x: [{{$include: ../secret.txt}}, {{$include: {tmp_path}/secret.txt}}, {{$include: b.txt}}]",
            in__b_txt=TEXT,
        )
        assert names(bundle.collect(tmp_path / "in/a.cwl", within=tmp_path / "in")) == ["a.cwl", "b.txt"]

    @pytest.mark.parametrize(
        "text", ["$graph: 3", "$graph:", "inputs: 3", "requirements: 3", "$schemas:", f"run: {'x' * 999}", "[1]", "a"]
    )
    def test_a_document_of_any_shape_can_be_sent(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, a_cwl=text)
        packed = bundle.collect(tmp_path / "a.cwl")
        assert bundle.render(packed)[1].decode() == text
        assert bundle.declared_inputs(packed, None) == {}
        assert not bundle.needs_docker(packed)

    def test_files_may_be_named_by_their_addresses(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            a_cwl="""
            x: {class: File, path: b.txt, secondaryFiles: [{class: File, location: sub/c.txt}]}
            y: {class: File, location: absent.txt}
            z: {$include: b.txt}
            steps: [{run: d.cwl}]""",
            b_txt=TEXT,
            sub__c_txt=TEXT,
            d_cwl="# as it is",
        )
        packed = bundle.collect(tmp_path / "a.cwl", address=lambda path: f"http://here/{path.name}")
        assert set(names(packed)) == {"a.cwl", "b.txt", "d.cwl"}
        assert json.loads(packed.content(packed.files[0])) == {
            "x": {
                "class": "File",
                "secondaryFiles": [{"class": "File", "location": "http://here/c.txt"}],
                "location": "http://here/b.txt",
            },
            "y": {"class": "File", "location": "absent.txt"},
            "z": {"$include": "b.txt"},
            "steps": [{"run": "d.cwl"}],
        }
        assert packed.content(tmp_path / "d.cwl") == b"# as it is"

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
        assert bundle.declared_inputs(bundle.collect(tmp_path / "g.cwl"), process).keys() == wanted

    def test_imported_inputs_are_declared(self, tmp_path: Path) -> None:
        write(tmp_path, a_cwl="inputs: {$import: i.yml}", i_yml="[{id: x}]")
        assert bundle.declared_inputs(bundle.collect(tmp_path / "a.cwl"), None).keys() == {"x"}

    @pytest.mark.parametrize("declared", ["int", "File[]", {"type": "int"}, ["int", "string"], {"type": ["int"]}])
    def test_what_must_be_given(self, declared: object) -> None:
        assert bundle.must_be_given(declared)

    @pytest.mark.parametrize("declared", ["int?", ["null", "int"], {"type": "File?"}, {"type": "int", "default": None}])
    def test_what_may_be_left_out(self, declared: object) -> None:
        assert not bundle.must_be_given(declared)
