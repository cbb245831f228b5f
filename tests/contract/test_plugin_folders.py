"""Plugin folders: what is broken is listed and hurts nobody; what changes is seen.

Nothing foreign runs in the server.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.support.children import family_of, gone
from tests.support.plugin_makers import HEAD, function, still_works, write
from tests.support.waiting import wait_until

GOOD = function("return 'good'", "def run() -> str:", 'id="good"')
BROKEN = {
    "syntax.py": ("def (", "SyntaxError"),
    "missing.py": ("import there_is_no_such_module", "there_is_no_such_module"),
    "exits.py": ("raise SystemExit(4)", "4"),
    "dies.py": ("import os; os._exit(3)", "3"),
    "killed.py": ("import os; os.kill(os.getpid(), 9)", ""),
    "empty.py": ("x = 1", "no process"),
    "twice.py": (
        GOOD.replace("good", "twin") + GOOD.replace("good", "twin").replace("def run", "def other").removeprefix(HEAD),
        "twin",
    ),
    "untyped.py": (function("return 'x'", "def run(x) -> str:", 'id="untyped"'), "annotation"),
    "odd.py": (function("return 'x'", "def run(x: object()) -> str:", 'id="odd"'), "schema"),
    "zz_taken.py": (GOOD, "good"),
    "unnamed.py": (function("return 'x'", "def run() -> str:", 'id="a/b"'), "a/b"),
    "prints.py": ("print('{}' * 9)\n1 / 0", "ZeroDivisionError"),
}


def test_broken_plugins_are_listed_with_their_error_and_hurt_nobody(with_plugin: Callable) -> None:
    noisy = "import sys\nprint('noise' * 100000)\nsys.stderr.write('more')\n" + function(
        "return 'n'", "def run() -> str:", 'id="noisy"'
    )
    shadow = function("return 's'", "def run() -> str:", 'id="shadow"')
    imports = "import calendar\n" + function("return calendar.month_name[5]", "def run() -> str:", 'id="may"')
    app = with_plugin(
        {"aa_good.py": GOOD, "noisy.py": noisy, "calendar.py": shadow, "may.py": imports}
        | {name: text for name, (text, _) in BROKEN.items()}
    )

    def all_listed() -> dict | None:
        found = {plugin["name"]: plugin for plugin in app.get("/plugins").json["plugins"]}
        return found if {name.removesuffix(".py") for name in BROKEN} <= found.keys() else None

    listed = wait_until(all_listed, what="the list of all plugins")
    for name, (_, said) in BROKEN.items():
        plugin = listed[name.removesuffix(".py")]
        assert plugin["processes"] == []
        assert said in plugin["error"]
    for process, value in (("good", "good"), ("noisy", "n"), ("shadow", "s"), ("may", "May")):
        assert app.post_json(f"/processes/{process}/execution", {}).text == value
    still_works(app)


def test_a_plugin_that_hangs_or_prints_for_ever_holds_nobody_up(serve: Callable, tmp_path: Path) -> None:
    """Neither at the start of a server nor when it is added to a running one; and it fills no memory."""
    write(tmp_path / "data" / "plugins", {"hangs.py": "import time\ntime.sleep(600)", "good.py": GOOD})
    served = serve("jobs.sync_limit_s=20")
    began = time.monotonic()
    assert served.get("/processes/greet/execution", "POST", {"inputs": {"name": "a"}})[1] == b"Hello a"
    assert time.monotonic() - began < 15
    write(
        tmp_path / "data" / "plugins",
        {"prints.py": "import time\nwhile True:\n    print('x' * 100000)\n    time.sleep(0.001)"},
    )
    memory = psutil.Process(served.process.pid).memory_info().rss
    end = time.monotonic() + 3
    while time.monotonic() < end:
        began = time.monotonic()
        assert served.get("/processes/greet/execution", "POST", {"inputs": {"name": "b"}})[1] == b"Hello b"
        assert time.monotonic() - began < 15
    assert psutil.Process(served.process.pid).memory_info().rss - memory < 32 * 2**20
    seen = family_of(served.process.pid)
    served.stop(signal.SIGKILL)
    gone(seen)


def test_no_plugin_is_imported_by_server_or_worker(with_plugin: Callable, tmp_path: Path) -> None:
    text = function("return str(os.getpid())", "def run() -> str:")
    text += f"\nwith open({str(tmp_path / 'imports')!r}, 'a') as file: print(os.getpid(), file=file)\n"
    app = with_plugin({"run.py": text})
    children = {app.post_json("/processes/run/execution", {}).text for _ in range(3)}
    imported = (tmp_path / "imports").read_text().split()
    assert len(imported) == 4  # one to describe it, one for each job
    assert children < set(imported)
    assert len(set(imported)) == 4
    assert str(os.getpid()) not in imported


def test_a_changed_plugin_is_seen_at_once_by_server_and_workers(with_plugin: Callable, tmp_path: Path) -> None:
    """Same size, same second: neither old bytecode nor an old description may be used."""
    first = function(
        "return {'one': 'first1'}", "def run() -> dict:", 'id="run", version="1.0.0", outputs={"one": str}'
    )
    app = with_plugin({"run.py": first}, "engine.workers=1")
    assert app.post_json("/processes/run/execution", {}).text == "first1"
    for number, name in enumerate(("two", "six", "ten")):
        text = first.replace("one", name).replace("first1", f"later{number}").replace("1.0.0", f"1.0.{number + 1}")
        write(tmp_path / "plugins", {"run.py": text})
        wait_until(lambda name=name: name in app.get("/processes/run").json["outputs"], 10, "the new description")
        assert app.post_json("/processes/run/execution", {}).text == f"later{number}"
    (tmp_path / "plugins" / "run.py").unlink()
    wait_until(lambda: app.get("/processes/run", expect_errors=True).status_int == 404, 10, "the end of the plugin")


def test_a_package_is_a_plugin_and_what_it_lacked_may_come_later(with_plugin: Callable, tmp_path: Path) -> None:
    text = "from ._words import word\nfrom .more.deep import number\n" + function(
        "return word() + str(number)", "def run() -> str:", 'id="packaged"'
    )
    needs = "import _neighbour\n" + function("return _neighbour.NAME", "def run() -> str:", 'id="needs"')
    files = {
        "pack/__init__.py": text,
        "pack/_words.py": "def word(): return 'w'",
        "pack/more/__init__.py": "",
        "pack/more/deep.py": "number = 4",
    }
    app = with_plugin(files | {"needs.py": needs})
    assert app.post_json("/processes/packaged/execution", {}).text == "w4"
    assert "_neighbour" in {plugin["name"]: plugin for plugin in app.get("/plugins").json["plugins"]}["needs"]["error"]
    write(tmp_path / "plugins", {"_neighbour.py": "NAME = 'came'", "pack/more/deep.py": "number = 55"})
    wait_until(
        lambda: app.post_json("/processes/needs/execution", {}, expect_errors=True).text == "came", 10, "the helper"
    )
    assert app.post_json("/processes/packaged/execution", {}).text == "w55"
