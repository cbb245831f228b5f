"""Packages that try to make the server read what is not theirs: files by links, names and locations."""

import json
from pathlib import Path

import pytest

from tests.sandbox.packages import Packages, expression, shell

FILE, FOLDER = (
    {"out": {"type": "File", "outputBinding": {"glob": "out"}}},
    {"out": {"type": "Directory", "outputBinding": {"glob": "out"}}},
)
ANY = {"out": "Any"}


def refused(packages: Packages, package: dict, *words: str) -> None:
    """The job fails with one of these words in its reason, and nothing of the secret is to be seen anywhere."""
    ran = packages.run(package)
    assert ran.status == "failed", ran
    assert any(word in ran.reason for word in words), ran.reason
    assert "TOPSECRET" not in ran.reason + ran.log
    assert "root:" not in ran.reason + ran.log


@pytest.mark.parametrize("outputs", [FILE, FOLDER])
@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "{secret}", "/", "../../../.."])
def test_a_link_that_leads_out_is_removed_and_said(
    packages: Packages, secret: Path, target: str, outputs: dict
) -> None:
    refused(
        packages,
        shell(f"ln -s {target.format(secret=secret)} out", outputs),
        "leads out of the work folder of the job; it was removed",
    )


def test_a_link_to_the_folder_of_another_job_gives_nothing(packages: Packages, folder: Path) -> None:
    kept = packages.run(shell("echo theirs"))
    refused(packages, shell(f"ln -s {folder}/outputs/{kept.job} out", FOLDER), "leads out of the work folder")


def test_a_link_inside_a_directory_is_removed_and_the_rest_is_kept(packages: Packages, secret: Path) -> None:
    ran = packages.run(shell(f"mkdir out; echo good > out/kept; ln -s {secret} out/bad; mkfifo out/pipe", FOLDER))
    assert ran.status == "successful", ran
    assert "kept" in ran.text
    assert "bad" not in ran.text
    assert "pipe" not in ran.text
    assert "'out/pipe' is neither a file nor a folder; it was removed." in ran.log


@pytest.mark.parametrize("pattern", ["../..", "../../package/*", "/etc/passwd", "/etc/*"])
def test_a_pattern_does_not_lead_out(packages: Packages, pattern: str) -> None:
    refused(
        packages,
        shell(
            "true",
            {
                "out": {
                    "type": ["File", "Directory", {"type": "array", "items": ["File", "Directory"]}],
                    "outputBinding": {"glob": pattern},
                }
            },
        ),
        "leads out of",
        "must not start with",
        "Did not find",
    )


def test_names_of_files_are_not_read_as_paths(packages: Packages) -> None:
    ran = packages.run(
        shell(
            "echo odd > 'a\n..b'; mkdir -p ..c; echo x > ..c/d",
            {"out": {"type": "File", "outputBinding": {"glob": "a*"}}},
        )
    )
    assert (ran.status, ran.text) == ("successful", "odd\n")


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "{secret}",
        "file://{secret}",
        "http://127.0.0.1:1/x",
        "https://example.com/x",
        "s3://bucket/key",
        "_:nothing",
    ],
)
@pytest.mark.parametrize("key", ["location", "path"])
def test_cwl_output_json_names_only_the_commands_own_files(
    packages: Packages, secret: Path, location: str, key: str
) -> None:
    script = (
        f"""printf '{{"out": {{"class": "File", "{key}": "{location.format(secret=secret)}"}}}}' > cwl.output.json"""
    )
    refused(
        packages,
        shell(script, {"out": "File"}),
        "leads out of",
        "not found",
        "does not exist",
        "No such file",
        "was not staged",
        "is not",
        "Unsupported",
        "no file",
        "must be within",
        "No adapters",
        "Invalid",
        "Missing",
        "missing",
    )


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "{secret}",
        "file://{secret}",
        "../../../../../../../../../../../../etc/passwd",
        "http://127.0.0.1:1/x",
    ],
)
@pytest.mark.parametrize("kind", ["File", "Directory"])
def test_expressions_cannot_make_files_of_what_is_not_there(
    packages: Packages, secret: Path, location: str, kind: str
) -> None:
    location = location.format(secret=secret)
    code = f'$({{"out": {{"class": "{kind}", "location": "{location}", "basename": "b"}}}})'
    refused(
        packages,
        expression(code, {"out": kind}),
        "leads out of",
        "was not staged",
        "is not a file of the run",
        "private address",
    )
    entry = f'$({{"class": "{kind}", "location": "{location}", "basename": "b"}})'
    refused(
        packages,
        shell("cat b b/*", requirements={"InitialWorkDirRequirement": {"listing": [entry]}}),
        "leads out of",
        "private address",
    )
    writable = {"entry": entry, "entryname": "b", "writable": True}
    refused(
        packages,
        shell("cat b b/*", requirements={"InitialWorkDirRequirement": {"listing": [writable]}}),
        "leads out of",
        "private address",
    )


@pytest.mark.parametrize("name", ["/etc/planted", "../planted", "a/../../planted", "{secret}"])
def test_files_are_not_placed_outside_of_the_output_folder(packages: Packages, secret: Path, name: str) -> None:
    listing = [{"entryname": name.format(secret=secret), "entry": "planted"}]
    ran = packages.run(shell("ls", requirements={"InitialWorkDirRequirement": {"listing": listing}}))
    assert ran.status == "failed", ran
    assert secret.read_text() == "TOPSECRET"
    assert not Path("/etc/planted").exists()


PLANTED = {"class": "File", "contents": "planted", "basename": "../" * 5 + "planted"}
LED_ASTRAY = {
    "itself": PLANTED,
    "companion": {"class": "File", "contents": "x", "basename": "x", "secondaryFiles": [PLANTED]},
    "in a folder": {"class": "Directory", "basename": "d", "listing": [PLANTED]},
    "folder": {"class": "Directory", "basename": PLANTED["basename"], "listing": []},
    "above": {"class": "File", "contents": "x", "basename": ".."},
    "null byte": {"class": "File", "contents": "x", "basename": "a\0b"},
    "long": {"class": "File", "contents": "x", "basename": "x" * 256},
    "no text": {"class": "File", "contents": "x", "basename": 5},
}


@pytest.mark.parametrize("name", LED_ASTRAY)
def test_names_of_given_files_do_not_lead_out(packages: Packages, folder: Path, name: str) -> None:
    process = packages.deploy(shell("true", inputs={"given": "Any"}))
    answer = packages.app.post_json(
        f"/processes/{process}/execution", {"inputs": {"given": {"value": {"deep": [LED_ASTRAY[name]]}}}}, status=400
    )
    assert "basename" in answer.json["detail"]
    assert answer.json["errors"][0]["pointer"] == "/inputs/given"
    assert not list(folder.rglob("planted"))


@pytest.mark.parametrize("name", ["itself", "companion", "in a folder", "folder"])
def test_names_that_a_package_makes_up_do_not_lead_out(packages: Packages, folder: Path, name: str) -> None:
    """As the default of an input, and made by an expression."""
    refused(packages, shell("true", inputs={"given": {"type": "Any", "default": LED_ASTRAY[name]}}), "basename is")
    entry = f"${{return [{json.dumps(LED_ASTRAY[name])}];}}"
    packages.run(shell("true", requirements={"InitialWorkDirRequirement": {"listing": entry}}))
    assert not list(folder.rglob("planted"))


def test_files_are_not_placed_where_they_say_that_they_lie(packages: Packages, secret: Path) -> None:
    given = {"class": "Directory", "dirname": str(secret.parent), "basename": "planted", "listing": []}
    ran = packages.run(
        shell("echo $0", arguments=["$(inputs.given.path)"], inputs={"given": "Directory"}), {"given": {"value": given}}
    )
    assert ran.status == "successful", ran
    assert not (secret.parent / "planted").exists()


def test_names_in_a_result_do_not_lead_out_of_its_archive(packages: Packages) -> None:
    planted = '{"class": "File", "basename": "planted", "contents": "x"}'
    inner = '{"class": "Directory", "basename": "..", "listing": [' + planted + "]}"
    refused(
        packages,
        expression(
            f'$({{"out": {{"class": "Directory", "basename": "d", "listing": [{inner}]}}}})', {"out": "Directory"}
        ),
        "basename is",
    )


def test_load_contents_does_not_follow_a_link_out(packages: Packages, secret: Path) -> None:
    binding = {"glob": "out", "loadContents": True, "outputEval": "$(self[0].contents)"}
    refused(
        packages,
        shell(f"ln -s {secret} out", {"out": {"type": "string", "outputBinding": binding}}),
        "removed",
        "leads out of",
    )


def test_a_later_step_is_given_no_link_out(packages: Packages, secret: Path) -> None:
    first = shell(f"mkdir out; ln -s {secret} out/bad; ln -s {secret.parent} out/worse; echo good > out/kept", FOLDER)
    second = shell(
        "cat d/*; ls d",
        inputs={"d": "Directory"},
        requirements={
            "InitialWorkDirRequirement": {"listing": [{"entry": "$(inputs.d)", "entryname": "d", "writable": True}]}
        },
    )
    strip = ("cwlVersion",)
    first, second = ({key: value for key, value in tool.items() if key not in strip} for tool in (first, second))
    steps = {
        "one": {"run": first, "in": {}, "out": ["out"]},
        "two": {"run": second, "in": {"d": "one/out"}, "out": ["out"]},
    }
    outputs = {"out": {"type": "File", "outputSource": "two/out"}}
    ran = packages.run({"cwlVersion": "v1.2", "class": "Workflow", "inputs": {}, "outputs": outputs, "steps": steps})
    assert ran.text == "good\nkept\n", ran


@pytest.mark.parametrize("path", ["/etc/passwd", "{secret}", "../../package/main.cwl"])
def test_standard_input_is_one_of_the_inputs(packages: Packages, secret: Path, path: str) -> None:
    refused(
        packages,
        shell("cat", stdin=path.format(secret=secret)),
        "is not among the inputs",
        "leads out of",
        "not found",
        "No such file",
    )


@pytest.mark.parametrize("name", ["/etc/planted", "../planted", "a/../../b"])
def test_printed_lines_go_into_the_output_folder(packages: Packages, name: str) -> None:
    ran = packages.run(shell("echo planted", stdout=name))
    assert ran.status == "failed", ran
    assert not Path("/etc/planted").exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("while (true) {}", "s of processor"),
        ("const a = []; while (true) a.push('x'.repeat(1000000) + a.length);", "were used"),
        ("const f = () => f(); f()", "stack"),
        ("return {out: 'x'.repeat(100000000)};", "were used"),
        ("return {out: 'x'.repeat(20000000)};", "characters"),
        ("const a = {}; a.a = a; return a;", "circular"),
        ("return {out: /(a+)+$/.test('a'.repeat(40) + 'b')};", "s of processor"),
    ],
)
def test_expressions_end(packages: Packages, code: str, words: str) -> None:
    ran = packages.run(expression(f"${{ {code} }}", ANY), limit_s=90)
    assert ran.status == "failed", ran.status
    assert words in ran.reason, ran.reason
