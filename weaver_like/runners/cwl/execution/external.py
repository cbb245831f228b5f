"""A package run by another engine: any command that speaks as `cwl-runner` does, e.g. one that uses a cluster.

Source: CWL v1.2, Workflow.html, "Executing CWL documents as scripts": `cwl-runner [--outdir DIR] DOCUMENT JOB`, the
output object on standard output.
"""

import os
import re
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from weaver_like.runners.cwl.types import Values
from weaver_like.schemas.jsontext import dumps, loads

#: Of what the engine says, the last lines tell why it failed.
_TAIL_LINES, _LONGEST_LINE = 20, 1000
#: cwltool colours what it says, also for those who are no terminal.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ENVIRONMENT = ("PATH", "LANG", "TZ")


class EngineFailed(Exception):
    """The engine did not succeed; the text has its command, how it ended, and its last lines."""


def run_externally(
    command: Sequence[str], document: str, order: Values, workdir: Path, say: Callable[[str], None]
) -> Values:
    """Hand a package over and wait; the output object that came back.

    A dismissal reaches the engine as SIGTERM, because it is of this process's group; it has the grace of the job to end
    what it started elsewhere.

    Args:
        command: of the engine, with its options.
        document: path of the CWL document, perhaps with #fragment.
        say: gets each line that the engine prints on standard error.
    Raises: EngineFailed.
    """
    outputs, job = workdir / "outputs", workdir / "job.json"
    outputs.mkdir(exist_ok=True)
    job.write_bytes(dumps(order))
    argv = [*command, "--outdir", str(outputs), document, str(job)]
    # Ours: the engine gets the signal too, and is waited for.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with (workdir / "engine.out").open("w+b") as printed:
        _run(argv, workdir, printed, say)
        printed.seek(0)
        return _outputs(command[0], printed.read())


def _run(argv: Sequence[str], workdir: Path, printed: IO[bytes], say: Callable[[str], None]) -> None:
    """Raises: EngineFailed."""
    process = _start(argv, workdir, printed)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    for raw in process.stderr or ():
        line = _COLOURS.sub("", raw.decode("utf-8", "replace")).rstrip()
        tail.append(line[:_LONGEST_LINE])
        say(line)
    code = process.wait()
    if code:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        last_lines = "\nIts last lines:" + "".join(f"\n{line}" for line in tail) if tail else ""
        raise EngineFailed(f"The engine {how}.\nCommand: {shlex.join(argv)}{last_lines}")


def _start(argv: Sequence[str], workdir: Path, printed: IO[bytes]) -> "subprocess.Popen[bytes]":
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"HOME": str(workdir), "TMPDIR": str(workdir)}
    try:
        return subprocess.Popen(
            argv,
            cwd=workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            preexec_fn=_hear_signals,  # noqa: PLW1509 - this process has no other thread
        )
    except OSError as error:
        raise EngineFailed(f"The engine '{argv[0]}' cannot be started: {error.strerror}.") from error


def _outputs(engine: str, text: bytes) -> Values:
    """Raises: EngineFailed."""
    try:
        found = loads(text)
    except ValueError as error:
        raise EngineFailed(f"The engine '{engine}' gave no output object: {error}.") from error
    if not isinstance(found, dict):
        raise EngineFailed(f"The engine '{engine}' gave no output object.")
    return found


def _hear_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
