"""Processes as authors write them, in plugin folders: what works, what fails, and that a broken one hurts nobody."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.plugin_makers import function, source, write
from tests.support.waiting import wait_until

INPUTS = {
    "text": "té☃",
    "whole": 3,
    "real": 2,
    "yes": False,
    "items": [1, "b"],
    "numbers": [2**40],
    "thing": {"a": [None]},
    "letter": "b",
    "level": 2,
    "colour": "red",
    "moment": "2024-01-02T03:04:05Z",
    "day": "2024-01-02",
    "box": {"bbox": [1, 2, 3, 4]},
    "file": base64.b64encode(b"bytes").decode(),
    "path": base64.b64encode(b"more").decode(),
    "dates": ["2024-01-02", "2024-01-03"],
    "files": ["f1", "f2"],
}


def test_every_kind_of_input_arrives_as_its_python_type(with_plugin: Callable) -> None:
    app = with_plugin({"kinds.py": source("kinds")})
    told = app.post_json("/processes/kinds/execution", {"inputs": INPUTS, "response": "document"}).json["told"]["value"]
    expected = {
        "text": "str:té☃",
        "whole": "int:3",
        "yes": "bool:False",
        "items": "list:[1, 'b']",
        "numbers": f"list:[{2**40}]",
        "thing": "dict:{'a': [None]}",
        "letter": "str:b",
        "level": "int:2",
        "colour": "Colour:Colour.RED",
        "moment": "datetime:2024-01-02 03:04:05+00:00",
        "day": "date:2024-01-02",
        "box": "BoundingBox:BoundingBox(bbox=(1, 2, 3, 4), crs=None)",
        "file": "str:bytes",
        "path": "str:more",
        "absent": "NoneType:None",
        "colour2": "Colour:Colour.BLUE",
        "day2": "date:2024-02-29",
        "number": "int:5",
        "maybe": "int:7",
        "bounded": "float:0.5",
        "coded": "str:ABC",
        "dates": "list:['date:2024-01-02', 'date:2024-01-03']",
        "files": "list:['f1', 'f2']",
    }
    assert {name: told[name] for name in expected} == expected
    assert told["real"] in ("int:2", "float:2.0")


def test_descriptions_say_what_the_annotations_say(with_plugin: Callable) -> None:
    app = with_plugin({"kinds.py": source("kinds")})
    inputs = app.get("/processes/kinds").json["inputs"]
    assert inputs["colour"]["schema"] == {"type": "string", "enum": ["red", "blue"]}
    assert inputs["level"]["schema"] == {"type": "integer", "enum": [1, 2]}
    assert inputs["bounded"]["schema"] == {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}
    assert inputs["bounded"]["title"] == "Bounded"
    assert inputs["day2"]["schema"] == {"type": "string", "format": "date", "default": "2024-02-29"}
    assert (inputs["absent"]["minOccurs"], inputs["text"].get("minOccurs", 1)) == (0, 1)
    assert inputs["files"]["maxOccurs"] == "unbounded"
    assert app.get("/processes/kinds").json["description"] == "One input of every kind."
    assert app.post_json("/processes/plain-return/execution", {"inputs": {"text": "a"}}).text == "A"


@pytest.mark.parametrize(
    "wrong",
    [
        {"whole": 1.5},
        {"whole": "3"},
        {"yes": 0},
        {"letter": "c"},
        {"level": 3},
        {"colour": "RED"},
        {"moment": "yesterday"},
        {"moment": "2024-06-30T23:59:60Z"},
        {"moment": "0000-01-01T00:00:00Z"},
        {"moment": "2024-01-01T00:00:00"},
        {"day": "0000-01-01"},
        {"day": "2024-02-30"},
        {"bounded": 1.1},
        {"coded": "abc"},
        {"box": {"bbox": [1, 2, 3]}},
        {"dates": ["2024-01-01"] * 4},
        {"numbers": ["x"]},
        {"unknown": 1},
        {"file": "no base64 !"},
    ],
)
def test_values_outside_their_annotation_are_refused(kinds_app: TestApp, wrong: dict) -> None:
    answer = kinds_app.post_json("/processes/kinds/execution", {"inputs": INPUTS | wrong}, status=400)
    assert next(iter(wrong)) in answer.json["detail"]


@pytest.mark.parametrize(
    "moment", ["2024-01-02t03:04:05z", "2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05-23:59"]
)
def test_moments_in_every_spelling_are_read(kinds_app: TestApp, moment: str) -> None:
    """RFC 3339 section 5.6"""
    answer = kinds_app.post_json("/processes/kinds/execution", {"inputs": INPUTS | {"moment": moment}}, status=200)
    assert "datetime:2024-01-02 03:04:05" in answer.text


def test_an_input_that_may_be_left_out_is_an_empty_list_or_needs_a_default(with_plugin: Callable) -> None:
    several = "def run(a: Annotated[list[str], Input(min_occurs=0, max_occurs=None)]) -> str:"
    scalar = "def run(a: Annotated[str, Input(min_occurs=0)]) -> str:"
    app = with_plugin(
        {
            "good.py": function("return str(a)", several, 'id="good"'),
            "bad.py": function("return str(a)", scalar, 'id="bad"'),
        }
    )
    assert app.post_json("/processes/good/execution", {"inputs": {}}, status=200).text == "[]"
    errors = {plugin["name"]: plugin.get("error") for plugin in app.get("/plugins").json["plugins"]}
    (error,) = [text for name, text in errors.items() if "bad" in name]
    assert "min_occurs=0" in error


@pytest.fixture(scope="module")
def kinds_app(tmp_path_factory: pytest.TempPathFactory, service: object) -> TestApp:
    """The service of the session, with the plugin in its own folder."""
    write(service.settings.plugin_folders[0], {"kinds.py": source("kinds")})
    app = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    wait_until(lambda: app.get("/processes/kinds", expect_errors=True).status_int == 200, 20, "the new plugin")
    return app


def test_every_kind_of_output_is_rendered(with_plugin: Callable) -> None:
    app = with_plugin({"kinds.py": source("kinds")})
    job_id = submit(app, "gives", response="document")
    assert finished(app, job_id)["status"] == "successful", app.get(f"/jobs/{job_id}").json["message"]
    document = app.get(f"/jobs/{job_id}/results?f=json").json
    plain = {name: document[name] for name in ("number", "flag", "list", "thing", "colour", "moment", "day", "box")}
    assert plain == {
        "number": 0.1,
        "flag": False,
        "list": [1, 2],
        "thing": {"value": {"day": "2024-01-02", "set": [1]}},
        "colour": "red",
        "moment": "2024-01-02T03:04:05+00:00",
        "day": "2024-01-02",
        "box": {"bbox": [1, 2, 3, 4]},
    }
    assert "left" not in document
    outputs = app.get(f"/jobs/{job_id}/outputs").json["outputs"]
    bodies = [
        (entry["id"], entry["type"], app.get(entry["href"]).body)
        for entry in outputs
        if entry["id"] in ("file", "files", "path", "twin")
    ]
    assert [(name, body) for name, _, body in bodies] == [
        ("file", b"t.csv"),
        ("path", b"x.bin"),
        ("files", b"a.txt"),
        ("files", b"b.txt"),
        ("twin", b"t.csv"),
    ]
    assert bodies[3][1] == "text/x-b"


def test_progress_log_and_prints_end_up_in_the_log(with_plugin: Callable) -> None:
    app = with_plugin(
        {
            "run.py": function('''
        context.progress(30, "thirty")
        context.log("careful", 30)
        print("printed")
        sys.stderr.write("no newline at the end")
        os.system("echo from a shell")
        return "x"''')
        }
    )
    job_id = submit(app, "run")
    assert finished(app, job_id)["status"] == "successful"
    entries = app.get(f"/jobs/{job_id}/logs").json["logs"]
    found = {entry["message"]: entry for entry in entries}
    assert {"careful", "printed", "from a shell"} <= set(found)
    assert any("no newline at the end" in message for message in found)
    assert found["careful"]["level"] == "WARNING"
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))


def test_the_environment_holds_nothing_of_the_server(with_plugin: Callable) -> None:
    body = """
        import subprocess, tempfile
        seen = [subprocess.check_output(["env"], text=True), json.dumps(dict(os.environ))]
        seen += [open(f"/proc/{pid}/environ").read() for pid in ("self", os.getppid())]
        open(tempfile.mkstemp()[0], "w").write("left behind")
        assert Path(tempfile.gettempdir()).is_relative_to(context.workdir) and Path.cwd() == context.workdir
        links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
        return repr(seen + [os.readlink(link) for link in links if os.path.exists(link)])
    """
    os.environ |= {"WEAVER_LIKE_LOG_LEVEL": "INFO", "SOME_SECRET": "hush"}
    try:
        app = with_plugin({"run.py": function(body)})
    finally:
        del os.environ["WEAVER_LIKE_LOG_LEVEL"], os.environ["SOME_SECRET"]
    job_id = submit(app, "run")
    assert finished(app, job_id)["status"] == "successful", app.get(f"/jobs/{job_id}").json["message"]
    text = app.get(f"/jobs/{job_id}/results").text
    assert "PATH=" in text
    for word in ("WEAVER_LIKE_", "hush", "sqlite", "SECRET"):
        assert word not in text
    wait_until(lambda: not list(app.service.settings.work_dir.iterdir()), 5, "an empty work folder")


def test_a_dismissed_job_can_clean_up(with_plugin: Callable, tmp_path: Path) -> None:
    """With a context it asks; without one, it is interrupted by `Cancelled`, which `except Exception` lets pass."""
    body = (
        "open({begun!r}, 'w').close()\ntry:\n    while True:\n        {step}\n"
        "{swallow}finally:\n    Path({done!r}).write_text('clean')"
    )
    files = {}
    for name, head, step in (
        ("asks", "def run(context: Context) -> str:", "context.check_cancelled(); time.sleep(0.02)"),
        ("told", "def run() -> str:", "time.sleep(60)"),
    ):
        swallow = "except Exception:\n    pass\n"
        text = body.format(
            begun=str(tmp_path / f"{name}.begun"), done=str(tmp_path / f"{name}.done"), step=step, swallow=swallow
        )
        files[f"{name}.py"] = function(text, head, f'id="{name}"')
    app = with_plugin(files, "jobs.cancel_grace_s=5")
    for name in ("asks", "told"):
        job_id = submit(app, name)
        wait_until((tmp_path / f"{name}.begun").exists, 10, "the start")
        assert app.delete(f"/jobs/{job_id}").json["status"] == "dismissed"
        wait_until((tmp_path / f"{name}.done").exists, 3, "the cleaning")
        assert app.get(f"/jobs/{job_id}").json["status"] == "dismissed"
