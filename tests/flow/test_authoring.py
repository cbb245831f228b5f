"""Processes as authors write them, in plugin folders: what works, what fails, and that a broken one hurts nobody."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.plugin_makers import HEAD, function, run, still_works, write
from tests.support.waiting import wait_until

KINDS = (
    HEAD
    + """
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

def told(value: object) -> str:
    return f"{type(value).__name__}:{value}"

@process(id="kinds", outputs={"told": dict})
def kinds(text: str, whole: int, real: float, yes: bool, items: list, numbers: list[int], thing: dict, letter: Literal["a", "b"], level: Literal[1, 2],
          colour: Colour, moment: datetime.datetime, day: datetime.date, box: BoundingBox, file: File, path: Path, absent: str | None = None,
          colour2: Colour = Colour.BLUE, day2: datetime.date = datetime.date(2024, 2, 29), number: int = 5, maybe: typing.Optional[int] = 7,
          bounded: Annotated[float, Input(title="Bounded", minimum=0, maximum=1)] = 0.5, coded: Annotated[str, Input(pattern="^[A-Z]{3}$")] = "ABC",
          dates: Annotated[list[datetime.date], Input(min_occurs=0, max_occurs=3)] = (),
          files: Annotated[list[File], Input(min_occurs=0, max_occurs=None, media_types=["text/plain"])] = ()) -> dict:
    \"\"\"One input of every kind.\"\"\"
    given = dict(locals())
    given |= {"file": file.read_text(), "path": path.read_text(), "files": [one.read_text() for one in files], "dates": [told(one) for one in dates]}
    return {"told": {name: told(value) for name, value in given.items()}}

@process(id="gives", outputs={"number": float, "flag": bool, "list": list[int], "thing": dict, "colour": Colour, "moment": datetime.datetime,
                              "day": datetime.date, "box": BoundingBox, "file": Annotated[File, Output(media_types=["text/csv"])], "path": Path,
                              "files": list[File], "twin": File, "left": Annotated[str, Output(optional=True)]})
def gives(context: Context) -> dict:
    names = ["a.txt", "b.txt", "t.csv", "x.bin"]
    for name in names:
        (context.workdir / name).write_text(name)
    return {"number": 0.1, "flag": False, "list": (1, 2), "thing": {"day": datetime.date(2024, 1, 2), "set": {1}}, "colour": Colour.RED,
            "moment": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "day": datetime.date(2024, 1, 2),
            "box": BoundingBox((1, 2, 3, 4)), "file": File(Path("t.csv"), "text/csv"), "path": context.workdir / "x.bin",
            "files": [File(Path("a.txt")), File(Path("b.txt"), "text/x-b")], "twin": File(Path("t.csv"))}

@process
def plain_return(text: str = "x") -> str:
    return text.upper()
"""
)
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


@pytest.fixture
def with_plugin(make_app: Callable, tmp_path: Path) -> Callable[..., TestApp]:
    """An application whose plugin folder holds files: `with_plugin({"a.py": text}, "section.name=value")`."""

    def make(files: dict[str, str], *overrides: str) -> TestApp:
        write(tmp_path / "plugins", files)
        return make_app(f"plugins.folders={tmp_path / 'plugins'}", *overrides)

    return make


def test_every_kind_of_input_arrives_as_its_python_type(with_plugin: Callable) -> None:
    app = with_plugin({"kinds.py": KINDS})
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
    app = with_plugin({"kinds.py": KINDS})
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


@pytest.fixture(scope="module")
def kinds_app(tmp_path_factory: pytest.TempPathFactory, service: object) -> TestApp:
    """The service of the session, with the plugin in its own folder."""
    write(service.settings.plugin_folders[0], {"kinds.py": KINDS})
    app = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    wait_until(lambda: app.get("/processes/kinds", expect_errors=True).status_int == 200, 20, "the new plugin")
    return app


def test_every_kind_of_output_is_rendered(with_plugin: Callable) -> None:
    app = with_plugin({"kinds.py": KINDS})
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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("sys.exit('said so')", "said so"),
        ("os._exit(0)", "code 0"),
        ("os._exit(7)", "code 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('why')", "ValueError: why"),
        ("raise ValueError('\\udcff')", "ValueError"),
        ("raise ValueError('nul \\0')", "ValueError: nul"),
        ("1 / 0", "ZeroDivisionError"),
        ("f = lambda: f()\nf()", "RecursionError"),
        ("return float('nan')", "JSON"),
        ("return {'a': [float('inf')]}", "JSON"),
        ("return b'bytes'", "bytes"),
        ("return object()", "object"),
        ("return 'x' * (300 * 2**20)", ""),
        ("context.schedule(None); return 'x'", ""),
        ("os.write(10, b'garbage' * 9); time.sleep(60)", ""),
        ("raise Cancelled", "Cancelled"),
        ("os.kill(os.getppid(), 9); time.sleep(60)", "killed"),
    ],
)
def test_whatever_the_code_does_only_its_own_job_fails(worse_app: Callable, body: str, said: str) -> None:
    app = worse_app(function(body))
    status, _ = run(app)
    assert status["status"] == "failed"
    assert said in status["message"]
    assert app.get(f"/jobs/{status['jobID']}/results", status=500).json["detail"]
    assert status["message"] in app.get(f"/jobs/{status['jobID']}/exceptions").json["exceptions"][0]["detail"]
    still_works(app)


@pytest.fixture(scope="module")
def worse_app(service: object) -> Callable[[str], TestApp]:
    """The service of the session, with a plugin that is written anew each time."""
    app = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    written = iter(range(1000))

    def make(text: str) -> TestApp:
        version = f"0.0.{next(written)}"
        write(
            service.settings.plugin_folders[0], {"worse.py": text.replace('id="run"', f'id="run", version="{version}"')}
        )
        wait_until(
            lambda: app.get("/processes/run", expect_errors=True).json.get("version") == version, 20, "the new plugin"
        )
        return app

    app.service_outputs = service.settings.outputs_dir
    return make


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("def run() -> Annotated[File, Output(id='f')]:", "return File(Path('none'))", "work folder"),
        ("def run() -> File:", "return File(Path('/etc/hostname'))", "work folder"),
        ("def run() -> File:", "return File(Path('../../weaver_like.sqlite'))", "work folder"),
        ("def run() -> File:", "os.symlink('/etc/hostname', 'link'); return File(Path('link'))", "work folder"),
        ("def run() -> File:", "os.symlink('/etc', 'dir'); return File(Path('dir/hostname'))", "work folder"),
        ("def run() -> File:", "os.mkdir('d'); return File(Path('d'))", "work folder"),
        ("def run() -> File:", "os.mkfifo('p'); return File(Path('p'))", "work folder"),
        (
            "def run() -> list[File]:",
            "open('a', 'w').close(); return [File(Path('a')), File(Path('/etc/hostname'))]",
            "work folder",
        ),
    ],
)
def test_only_files_of_the_work_folder_are_outputs(worse_app: Callable, head: str, body: str, said: str) -> None:
    app = worse_app(function(body, head))
    status, _ = run(app)
    assert status["status"] == "failed"
    assert said in status["message"]
    assert not (app.service_outputs / status["jobID"]).exists()


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("{'a': 1}", "did not return its outputs: b"),
        ("{'a': 1, 'b': 2, 'c': 3}", "does not declare: c"),
        ("5", "a mapping of its outputs is wanted"),
    ],
)
def test_outputs_are_those_that_were_declared(worse_app: Callable, returned: str, said: str) -> None:
    app = worse_app(function(f"return {returned}", "def run() -> dict:", 'id="run", outputs={"a": int, "b": int}'))
    status, _ = run(app)
    assert status["status"] == "failed"
    assert said in status["message"]


def test_a_link_inside_the_work_folder_is_fine_and_so_are_strange_names(worse_app: Callable) -> None:
    body = "name = 'a b☃\\n' + os.fsdecode(b'\\xff') + '.txt'; Path(name).write_text('x'); os.symlink(name, 'link'); return File(Path('link'), 'text/plain')"
    app = worse_app(function(body, "def run() -> File:"))
    status, _ = run(app)
    assert status["status"] == "successful", status["message"]
    assert app.get(f"/jobs/{status['jobID']}/results").body == b"x"


def test_a_huge_log_is_cut_and_says_so(with_plugin: Callable) -> None:
    app = with_plugin(
        {"run.py": function("for number in range(200000): print(number)\nprint('x' * 2**22)\nreturn 'x'")},
        "jobs.log_lines=500",
    )
    status, log = run(app, limit_s=30)
    assert status["status"] == "successful"
    assert 500 <= len(log) <= 503
    assert log[:3] == ["0", "1", "2"]
    assert "log is full" in log[499]
    assert max(map(len, log)) <= 10000
    still_works(app)


@pytest.mark.only(
    "sqlite-embedded", "mongodb-celery-rabbitmq", "mongodb-embedded", "postgresql-celery-redis"
)  # MariaDB: max_allowed_packet
def test_a_value_of_many_megabytes_comes_back_whole(worse_app: Callable) -> None:
    app = worse_app(function("return 'é' * (20 * 2**20)"))
    status, _ = run(app)
    assert status["status"] == "successful"
    assert app.get(f"/jobs/{status['jobID']}/results").body == "é".encode() * (20 * 2**20)


def test_many_threads_and_children_of_a_job_may_speak_at_once(worse_app: Callable) -> None:
    app = worse_app(
        function("""
        import threading
        def speak(name: str) -> None:
            for number in range(50):
                context.log(f"{name} {number} " + "x" * 5000)
                context.progress(number)
        threads = [threading.Thread(target=speak, args=(name,)) for name in "abcd"]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return "said"
    """)
    )
    status, log = run(app)
    assert status["status"] == "successful", status["message"]
    assert len([line for line in log if line[:2] in ("a ", "b ", "c ", "d ")]) == 200


def test_limits_of_memory_and_time_are_the_processes_own(worse_app: Callable) -> None:
    app = worse_app(
        function(
            "context.log('began'); held = bytearray(600 * 2**20); return str(len(held))",
            options='id="run", memory_limit_bytes=300 * 2**20',
        )
    )
    status, _ = run(app)
    assert status["status"] == "failed"
    assert "MemoryError" in status["message"]
    app = worse_app(function("time.sleep(60); return 'x'", options='id="run", time_limit_s=0.5'))
    status, _ = run(app)
    assert status["status"] == "failed"
    assert "0.5 s" in status["message"]
    still_works(app)


def test_the_environment_holds_nothing_of_the_server(with_plugin: Callable) -> None:
    body = """
        import subprocess, tempfile
        seen = [subprocess.check_output(["env"], text=True), json.dumps(dict(os.environ))]
        seen += [open(f"/proc/{pid}/environ").read() for pid in ("self", os.getppid())]
        open(tempfile.mkstemp()[0], "w").write("left behind")
        assert Path(tempfile.gettempdir()).is_relative_to(context.workdir) and Path.cwd() == context.workdir
        descriptors = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
        return repr(seen + descriptors)
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
    body = "open({begun!r}, 'w').close()\ntry:\n    while True:\n        {step}\n{swallow}finally:\n    Path({done!r}).write_text('clean')"
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
