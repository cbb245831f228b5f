"""Plugin folders: every Python file and package in them is a plugin, described in a child of its own."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, cast

from weaver_like.domain.process import Plugin, Process
from weaver_like.sandbox.spawn import scrubbed_environment, spawn
from weaver_like.schemas.description import parse_stored
from weaver_like.schemas.jsontext import dumps, loads
from weaver_like.sources.base import Source

_TIMEOUT_S = 30
_ANSWER_BYTES = 16 * 2**20


class _Answer(TypedDict, total=False):
    """What a plugin's child answers: the processes in their stored form, or the error that kept the plugin out."""

    processes: list[dict[str, Any]]
    error: str
    traceback: str | None


class _Entry(TypedDict):
    """An answer, and the state of the files that it came from."""

    state: str
    plugin: _Answer


class PluginSource(Source):
    """cache: file that remembers descriptions by the state of the plugin's files, so that a restart imports nothing."""

    name = "plugins"

    def __init__(self, folders: Sequence[Path], cache: Path, runner: str):
        self._runner = runner
        self._folders = list(folders)
        self._cache = cache
        # Errors are remembered only in this process: what was missing may be installed before the next start.
        self._broken: dict[str, _Entry] = {}

    def signature(self) -> Hashable:
        return tuple((str(path), _state(path)) for path in self._found())

    def is_current(self, process: Process) -> bool:
        target = process.unit.target
        return bool(target["state"] == _state(Path(target["path"])))

    def collect(self) -> Iterator[Plugin]:
        remembered = self._load_cache() | self._broken
        states = {str(path): _state(path) for path in self._found()}
        entries: dict[str, _Entry] = {}
        for path, state in states.items():
            if path in remembered and remembered[path].get("state") == state:
                entries[path] = remembered[path]
                yield _plugin(path, entries[path], self._runner)
        fresh = [path for path in states if path not in entries]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            asked = {pool.submit(_describe, path): path for path in fresh}
            for answer in as_completed(asked):
                path = asked[answer]
                entries[path] = {"state": states[path], "plugin": answer.result()}
                yield _plugin(path, entries[path], self._runner)
        self._broken = {path: entry for path, entry in entries.items() if "error" in entry["plugin"]}
        if fresh or entries.keys() != remembered.keys():
            self._save_cache({path: entry for path, entry in entries.items() if path not in self._broken})

    def _found(self) -> list[Path]:
        """Every plugin of every folder, in order."""
        paths = [path for folder in self._folders if folder.is_dir() for path in sorted(folder.iterdir())]
        return [path for path in paths if _is_plugin(path)]

    def _load_cache(self) -> dict[str, _Entry]:
        try:
            found = loads(self._cache.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return found

    def _save_cache(self, entries: dict[str, _Entry]) -> None:
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        draft = self._cache.with_suffix(f".{os.getpid()}")
        draft.write_bytes(dumps(entries))
        draft.replace(self._cache)


def _is_plugin(path: Path) -> bool:
    if path.name.startswith(("_", ".")):
        return False
    return path.suffix == ".py" or (path / "__init__.py").is_file()


def _state(path: Path) -> str:
    """Names, sizes and times of all Python files of a plugin: of its package, or with the `_*.py` next to it."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path, *sorted(path.parent.glob("_*.py"))]
    states = []
    for file in files:
        try:
            status = file.stat()
        except OSError:  # removed meanwhile
            continue
        states.append(f"{file.name}:{status.st_size}:{status.st_mtime_ns}")
    return f"{sys.version_info[:2]}:" + ",".join(states)


def _describe(path: str) -> _Answer:
    """Ask a child what the plugin offers; everything that the plugin starts at import ends with that child."""
    answers, held = os.pipe()
    watched, life = os.pipe()
    command = [sys.executable, "-I", "-m", "weaver_like.authoring.load", path, str(held), str(watched)]
    child = spawn(
        command,
        pass_fds=[held, watched],
        env=scrubbed_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(held)
    os.close(watched)
    try:
        text = _read(answers, time.monotonic() + _TIMEOUT_S)
    finally:
        os.close(answers)
        os.close(life)
        os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
    if text is None:
        limit = f"{_TIMEOUT_S} s or {_ANSWER_BYTES} bytes"
        return {"error": f"The plugin did not describe its processes within {limit}.", "traceback": None}
    try:
        answer = loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return {"error": f"The plugin ended its process (code {code}) when it was imported.", "traceback": None}
    return cast(_Answer, answer)


def _read(descriptor: int, deadline: float) -> bytes | None:
    """Read everything up to the end; None if it is too long or takes too long."""
    text, ready = b"", select.poll()
    ready.register(descriptor, select.POLLIN)
    while len(text) <= _ANSWER_BYTES:
        if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return None
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return text
        text += chunk
    return None


def _plugin(path: str, entry: _Entry, runner: str) -> Plugin:
    """The plugin of an answer; its processes carry the state of the files that they were read from."""
    name, answer = Path(path).stem, entry["plugin"]
    if "error" in answer:
        return Plugin(name, (), answer["error"], answer.get("traceback"))
    processes = (parse_stored(process).run_by(runner) for process in answer["processes"])
    return Plugin(name, tuple(_stamped(process, entry["state"]) for process in processes))


def _stamped(process: Process, state: str) -> Process:
    return replace(process, unit=replace(process.unit, target=process.unit.target | {"state": state}))
