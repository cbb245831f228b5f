"""A command sees real files and folders with their own names; what it may not change, it cannot change."""

from collections.abc import Iterator

import pytest
from webtest import TestApp

from tests.sandbox.packages import LOOK_INTO, SEEN, Packages, entries, listed, literal, shell, steps, zipped
from tests.support.applications import make_service
from tests.support.packages import fresh, multipart
from tests.support.workflows import sh, workflow
from weaver_like.engines.base import ClosePolicy
from weaver_like.sandbox.launch import bubblewrap_users


@pytest.fixture(scope="module", params=["bubblewrap", "none"])
def packages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """Of a service that can mount for its commands, and of one that cannot."""
    trouble = bubblewrap_users()[1]
    if request.param == "bubblewrap" and trouble:
        pytest.skip(f"bubblewrap does not run here: {trouble}")
    service = make_service(tmp_path_factory.mktemp(request.param), f"sandbox.kind={request.param}")
    yield Packages(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"}))
    service.stop(ClosePolicy.KILL)


TWO_FILES = listed("folder", literal("a.txt", "one"), listed("sub", literal("b.txt", "two")))
DIRECTORY = {"d": {"type": "Directory", "inputBinding": {}}}
FILE = {"f": {"type": "File", "inputBinding": {}}}
MAKES_FOLDERS = {
    "made": """mkdir -p out/sub && echo one > out/a.txt && echo two > out/sub/b.txt""",
    "linked": """mkdir -p out sub && echo one > a.txt && echo two > sub/b.txt
        ln -s "$PWD/sub" out && ln -s ../a.txt out""",
}


@pytest.mark.parametrize("given", [zipped(a="one", sub__b="two"), TWO_FILES], ids=["archive", "literal"])
def test_a_folder_is_one_with_regular_files(packages: Packages, given: dict) -> None:
    ran = packages.run(shell(LOOK_INTO, inputs=DIRECTORY), {"d": given})
    assert ran.text == SEEN, ran


@pytest.mark.parametrize("script", MAKES_FOLDERS.values(), ids=MAKES_FOLDERS)
def test_a_folder_of_an_earlier_step_is_one_with_regular_files(packages: Packages, script: str) -> None:
    outputs = {"out": {"type": "Directory", "outputBinding": {"glob": "out"}}}
    first = sh(script, inputs={}, outputs=outputs)
    ran = packages.run(steps(first, sh(LOOK_INTO, inputs=DIRECTORY), d="first/out"))
    assert ran.text == SEEN, ran


def test_what_an_earlier_step_found_in_its_output_folder_goes_on_as_it_was(packages: Packages) -> None:
    """A step that gives back its whole output folder, with the inputs that were placed there."""
    listing = ["$(inputs.f)", {"entry": "$(inputs.d)", "entryname": "whole"}]
    given = {"f": literal("f.txt", "three"), "d": TWO_FILES}
    outputs = {"out": {"type": "Directory", "outputBinding": {"glob": "."}}}
    inputs = {"f": "File", "d": "Directory"}
    first = sh("true", inputs=inputs, outputs=outputs, requirements=entries(*listing))
    look = sh(
        'cd "$0" && find . -name "?.txt" -type f | sort && cat whole/sub/b.txt whole/a.txt f.txt', inputs=DIRECTORY
    )
    ran = packages.run(steps(first, look, inputs, d="first/out"), given)
    assert ran.text == "./f.txt\n./whole/a.txt\n./whole/sub/b.txt\ntwoonethree", ran


LOOK_AT = """stat -c %F "$0"; basename "$(realpath "$0")"; ls -l "$0" | cut -c1
    cp -a "$0" "$HOME"; find . -name 't*' -type f
    tar -c -C "$(dirname "$0")" "$(basename "$0")" | tar -tv | cut -c1; cat "$0" """
GIVEN = {
    "literal": (literal("table.csv", "a,b"), FILE),
    "default": (None, {"f": FILE["f"] | {"default": literal("table.csv", "a,b")}}),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_file_is_a_regular_one_with_its_own_name(packages: Packages, name: str) -> None:
    given, inputs = GIVEN[name]
    ran = packages.run(shell(LOOK_AT, inputs=inputs), {next(iter(inputs)): given} if given else {})
    assert ran.text == "regular file\ntable.csv\n-\n./table.csv\n-\na,b", ran


def test_files_of_one_name_do_not_collide_and_companions_stay_beside_them(packages: Packages) -> None:
    """As inputs; in one folder they cannot be, and the job says so."""
    given = [
        literal("x.dat", f"data {number}", secondaryFiles=[literal("x.idx", f"index {number}")]) for number in (1, 2)
    ]
    inputs = {"f": {"type": "File[]", "secondaryFiles": ["^.idx"], "inputBinding": {}}}
    script = 'for one in "$0" "$1"; do cat "$one"; echo; cat "${one%.dat}.idx"; echo; done'
    requirements = entries("$(inputs.f)")
    ran = packages.run(shell(script, inputs=inputs), {"f": given})
    assert ran.text == "data 1\nindex 1\ndata 2\nindex 2\n", ran
    ran = packages.run(shell("true", inputs=inputs, requirements=requirements), {"f": given})
    assert "under the name 'x.dat' in the same folder" in ran.reason


#: Ways to change a file that is not the command's own.
ATTACKS = {
    "write": 'echo changed > "$t"',
    "append with rights": 'chmod 666 "$t"; echo changed >> "$t"',
    "through another name": 'ln "$t" name && chmod 666 name && echo changed > name',
    "through a descriptor": 'exec 3< "$t"; chmod 666 /proc/self/fd/3; echo changed > /proc/self/fd/3',
    "in place": 'sed -i s/original/changed/ "$t"',
    "another in its place": 'rm -f "$t"; echo changed > "$t"',
    "truncated": 'truncate -s 0 "$t"',
}
#: What is changed -> the inputs and requirements of the tool, and where it finds the file.
TARGETS = {
    "input": ({}, "$(inputs.f.path)"),
    "in a folder": ({}, "$(inputs.d.path)/a.txt"),
    "in the output folder": (entries("$(inputs.f)"), "original.txt"),
    "large, in the output folder": (entries("$(inputs.large)"), "large.txt"),
    "in a folder in the output folder": (entries({"entry": "$(inputs.d)", "entryname": "x/d"}), "x/d/a.txt"),
    "in a folder that was made": (
        entries("$({class: 'Directory', basename: 'made', listing: [inputs.f, inputs.large]})"),
        "made/original.txt",
    ),
    "large, in a folder that was made": (
        entries("$({class: 'Directory', basename: 'made', listing: [inputs.f, inputs.large]})"),
        "made/large.txt",
    ),
    "beside what was put into its folder": (
        entries({"entry": "$(inputs.d)", "entryname": "d"}, {"entry": "more", "entryname": "d/more"}),
        "d/a.txt",
    ),
}
ORIGINALS = {"f": "File", "large": "File", "d": "Directory"}


@pytest.mark.parametrize("target", TARGETS)
def test_no_command_changes_an_original(packages: Packages, target: str) -> None:
    """Every way is tried by a step of its own, which also gives its file back; then the last one looks at all three."""
    requirements, path = TARGETS[target]
    tool = sh(
        "",
        inputs=ORIGINALS | {"attack": "string"},
        requirements=requirements | {"InlineJavascriptRequirement": {}},
        baseCommand=["sh", "-c"],
        arguments=[f't="{path}"; grep -q original "$t" || exit 7; $(inputs.attack)'],
        successCodes=[0, 1, 2, 4],
    )
    look = sh('cat "$0" "$1/a.txt"; head -c 8 "$2"', inputs={
        "f": {"type": "File", "inputBinding": {"position": 1}},
        "d": {"type": "Directory", "inputBinding": {"position": 2}},
        "large": {"type": "File", "inputBinding": {"position": 3}},
        "after": "Any",
    })  # fmt: skip
    wanted = {name: name for name in ORIGINALS}
    document = {"cwlVersion": "v1.2"} | workflow(
        {
            "attack": {"run": tool, "scatter": "attack", "in": wanted | {"attack": "attacks"}, "out": ["out"]},
            "look": {"run": look, "in": wanted | {"after": "attack/out"}, "out": ["out"]},
        },
        ORIGINALS | {"attacks": "string[]"},
        {"out": {"type": "File", "outputSource": "look/out"}},
    )
    given = {
        "f": literal("original.txt", "original"),
        "large": literal("large.txt", "original" * 200_000),
        "d": zipped(a="original"),
        "attacks": list(ATTACKS.values()),
    }
    ran = packages.run(document, given)
    assert ran.text == "original" * 3, ran


def test_no_command_changes_a_file_of_its_package(packages: Packages) -> None:
    """It is there for all jobs of the process; neither as an input, nor where the tool may change it."""
    default = {"f": {"type": "File", "default": {"class": "File", "location": "table.csv"}}}
    process = fresh()
    tool = shell(
        f'cat "$0" mine; for t in "$0" mine; do {ATTACKS["append with rights"]}; done; true',
        inputs=default,
        arguments=["$(inputs.f.path)"],
        requirements=entries(
            {"entry": "$(inputs.f)", "entryname": "mine", "writable": True},
            InplaceUpdateRequirement={"inplaceUpdate": True},
        ),
        id=process,
    )
    kind, body = multipart(
        [({"Content-Location": "main.cwl"}, tool), ({"Content-Location": "table.csv"}, "original\n")]
    )
    packages.app.post("/processes", body, {"Content-Type": kind}, status=201)
    for _ in range(2):
        answer = packages.app.post_json(f"/processes/{process}/execution", {"inputs": {}, "response": "raw"})
        assert answer.text == "original\noriginal\n"


WRITABLE = {
    "File": (
        literal("a.txt", "one\n"),
        'echo more >> x/it && sed -i s/one/1/ x/it && cat x/it "$0"',
        "1\nmore\none\n",
    ),
    "Directory": (
        TWO_FILES,
        'rm x/it/a.txt; echo 3 > x/it/sub/b.txt; cd x; find . -type f; cat it/sub/b.txt "$0/a.txt" "$0/sub/b.txt"',
        "./it/sub/b.txt\n3\nonetwo",
    ),
}


@pytest.mark.parametrize("kind", WRITABLE)
def test_what_is_writable_is_a_copy_of_its_own(packages: Packages, kind: str) -> None:
    given, script, text = WRITABLE[kind]
    inputs = {"x": {"type": kind}, "same": {"type": kind, "inputBinding": {}}}
    listing = {"entry": "$(inputs.x)", "entryname": "x/it", "writable": True}
    ran = packages.run(
        shell(script, inputs=inputs, requirements=entries(listing)), {"x": {"value": given}, "same": {"value": given}}
    )
    assert ran.text == text, ran


IN_PLACE = {
    "append": 'echo more >> "it.txt"',
    "replaced": "sed 's/start/start\\nmore/' it.txt > new && mv new it.txt",
    "edited": "sed -i '$a more' it.txt",
}


@pytest.mark.parametrize("way", IN_PLACE)
def test_what_is_updated_in_place_is_the_original(packages: Packages, way: str) -> None:
    """CWL 1.2, InplaceUpdateRequirement: a later step sees the change, without a copy."""
    requirements = entries(
        {"entry": "$(inputs.f)", "entryname": "it.txt", "writable": True},
        InplaceUpdateRequirement={"inplaceUpdate": True},
    )
    outputs = {"out": {"type": "File", "outputBinding": {"glob": "it.txt"}}}
    first = sh("echo start > it.txt", inputs={}, outputs=outputs)
    change = sh(f"test -f it.txt && ! test -L it.txt && {IN_PLACE[way]}", inputs={"f": "File"}, outputs=outputs)
    document = {"cwlVersion": "v1.2"} | workflow(
        {
            "first": {"run": first, "in": {}, "out": ["out"]},
            "change": {"run": change | {"requirements": requirements}, "in": {"f": "first/out"}, "out": ["out"]},
            "look": {
                "run": sh('cat "$0"', inputs=FILE | {"after": "File"}),
                "in": {"f": "change/out", "after": "change/out"},
                "out": ["out"],
            },
        },
        {"nothing": "string?"},
        {"out": {"type": "File", "outputSource": "look/out"}},
    )
    ran = packages.run(document)
    assert ran.text == "start\nmore\n", ran


@pytest.mark.parametrize("given", [zipped(a="one", sub__b="two"), TWO_FILES], ids=["archive", "literal"])
def test_a_folder_is_updated_in_place(packages: Packages, given: dict) -> None:
    requirements = entries(
        {"entry": "$(inputs.d)", "entryname": "d", "writable": True}, InplaceUpdateRequirement={"inplaceUpdate": True}
    )
    outputs = {"out": {"type": "Directory", "outputBinding": {"glob": "d"}}}
    first = sh(
        "echo more > d/more.txt; rm d/a.txt", inputs={"d": "Directory"}, outputs=outputs, requirements=requirements
    )
    look = sh('cd "$0" && find . -type f | sort && find . -type l', inputs=DIRECTORY)
    ran = packages.run(steps(first, look, {"d": "Directory"}, d="first/out"), {"d": given})
    assert ran.text == "./more.txt\n./sub/b.txt\n", ran


def test_programs_are_found_in_the_folders_that_are_given(packages: Packages) -> None:
    given = listed("tools", literal("hello.sh", "echo hello $0"))
    ran = packages.run(
        shell("", inputs={"d": "Directory"}, requirements=entries("$(inputs.d)"), baseCommand=["sh", "tools/hello.sh"]),
        {"d": given},
    )
    assert ran.text == "hello tools/hello.sh\n", ran
    made = sh(
        "mkdir tools && printf '#!/bin/sh\\necho found' > tools/mine && chmod 755 tools/mine",
        inputs={},
        outputs={"out": {"type": "Directory", "outputBinding": {"glob": "tools"}}},
    )
    path = {"EnvVarRequirement": {"envDef": {"PATH": "$(inputs.d.path):/usr/bin:/bin"}}}
    use = sh("", inputs={"d": "Directory"}, baseCommand=["mine"], requirements=path)
    ran = packages.run(steps(made, use, d="first/out"))
    assert ran.text == "found\n", ran
    own = sh("", inputs={"d": "Directory"}, baseCommand=["./tools/mine"], requirements=entries("$(inputs.d)"))
    ran = packages.run(steps(made, own, d="first/out"))
    assert ran.text == "found\n", ran


def test_hundreds_of_files_need_only_a_few_mounts(packages: Packages) -> None:
    """As an input, as a folder in the output folder, and one by one in it."""
    given = [literal(f"{number}.txt", str(number)) for number in range(300)]
    inputs = DIRECTORY | {"f": "File[]", "g": "File[]"}
    listing = ["$(inputs.d)", {"entry": "$({class: 'Directory', basename: 'made', listing: inputs.f})"}, "$(inputs.g)"]
    script = """find "$0" d made -type f | wc -l; find . -maxdepth 1 -type f | wc -l
        cat 299.txt d/298.txt made/297.txt; echo; grep -c "$HOME" /proc/self/mountinfo || true"""
    ran = packages.run(
        shell(script, inputs=inputs, requirements=entries(*listing)),
        {"d": listed("d", *given), "f": given, "g": given},
    )
    count, here, text, mounts = ran.text.split()
    assert (count, here, text) == ("900", "301", "299298297"), ran
    assert int(mounts) < 10
