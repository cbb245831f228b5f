"""A package by somebody else's engine: any command that speaks as `cwl-runner` does, e.g. one that sends steps to a cluster.

Source: CWL v1.2, Workflow.html, "Executing CWL documents as scripts": `cwl-runner [--outdir DIR] DOCUMENT JOB`, the output object on
standard output.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from weaver_like.schemas.jsontext import dumps, loads

#: Of what the engine says, the last lines tell why it failed.
_TAIL = 20
#: cwltool colours what it says, also for those who are no terminal.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class EngineFailed(Exception):
    """The engine did not succeed; the text has its command, how it ended, and its last lines."""


def run_externally(
    command: Sequence[str], document: str, order: dict, workdir: Path, say: Callable[[str], None]
) -> dict:
    """Hand a package over and wait; the output object that came back.

    command: of the engine, with its options.  document: path of the CWL document, perhaps with #fragment.  order: the job order.
    say: gets each line that the engine prints on standard error.
    Raises: EngineFailed. A dismissal reaches the engine as SIGTERM, because it is of this process's group; it has the grace of the job
    to end what it started elsewhere.
    """
    outputs, job = workdir / "outputs", workdir / "job.json"
    outputs.mkdir(exist_ok=True)
    job.write_bytes(dumps(order))
    argv = [*command, "--outdir", str(outputs), document, str(job)]
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ} | {
        "HOME": str(workdir),
        "TMPDIR": str(workdir),
    }
    # Ours: the engine gets the signal too, and is waited for.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    said = (workdir / "engine.out").open("w+b")
    try:
        process = subprocess.Popen(
            argv,
            cwd=workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.PIPE,
            preexec_fn=_hear_signals,
        )
    except OSError as error:
        raise EngineFailed(f"The engine '{command[0]}' cannot be started: {error.strerror}.") from error
    tail: list[str] = []
    for raw in process.stderr:
        line = _COLOURS.sub("", raw.decode("utf-8", "replace")).rstrip()
        tail = [*tail[1 - _TAIL :], line[:1000]]
        say(line)
    code = process.wait()
    said.seek(0)
    if code:
        lines = "".join(f"\n{line}" for line in tail)
        raise EngineFailed(
            f"The engine {_how(code)}.\nCommand: {' '.join(argv)}" + (f"\nIts last lines:{lines}" if tail else "")
        )
    try:
        found = loads(said.read())
    except ValueError as error:
        raise EngineFailed(f"The engine '{command[0]}' gave no output object: {error}.") from error
    if not isinstance(found, dict):
        raise EngineFailed(f"The engine '{command[0]}' gave no output object.")
    return found


def _hear_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _how(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def takes_over(options: dict, process_id: str) -> bool:
    """Whether the operator has given a process to the engine. options: those of the runner."""
    return bool(options.get("engine")) and (
        "*" in options["engine_processes"] or process_id in options["engine_processes"]
    )
