"""What the code of an author does wrong or in excess: only its own job fails."""

from collections.abc import Callable

import pytest
from webtest import TestApp

from tests.support.plugin_makers import function, run, still_works, write
from tests.support.waiting import wait_until


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
    wait_until(lambda: not (app.service_outputs / status["jobID"]).exists(), 10, "the end of its files")


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("{'a': 1}", "did not return its outputs: b"),
        ("{'a': 1, 'b': 2, 'c': 3}", "does not declare: c"),
        ("5", "expected a mapping of its outputs"),
    ],
)
def test_outputs_are_those_that_were_declared(worse_app: Callable, returned: str, said: str) -> None:
    app = worse_app(function(f"return {returned}", "def run() -> dict:", 'id="run", outputs={"a": int, "b": int}'))
    status, _ = run(app)
    assert status["status"] == "failed"
    assert said in status["message"]


def test_a_link_inside_the_work_folder_is_fine_and_so_are_strange_names(worse_app: Callable) -> None:
    body = (
        "name = 'a b☃\\n' + os.fsdecode(b'\\xff') + '.txt'; Path(name).write_text('x'); "
        "os.symlink(name, 'link'); return File(Path('link'), 'text/plain')"
    )
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
