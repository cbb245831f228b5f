"""What the engine is asked for: notes in order, chains, processor time, memory, large files."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

from weaver_like.authoring import Context, File, Input, process


@process(id="noted")
def noted(name: str, file: str) -> str:
    with open(file, "a") as notes:
        notes.write(name + " ")
    return name


@process(id="plans")
def plans(context: Context, steps: list, chain: bool = False, priority: int | None = None) -> list:
    """Schedules what it is told; refusals as text."""
    if chain:
        return [context.chain([tuple(step) for step in steps], priority=priority)]
    answers = []
    for name, inputs in steps:
        try:
            answers.append(context.schedule(name, inputs, priority=priority))
        except ValueError as error:
            answers.append("refused: " + str(error))
    return answers


@process(id="burns")
def burns(seconds: float) -> str:
    code = f"import time\nwhile time.process_time() < {seconds}: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return "x" * 1000


@process(id="allocates")
def allocates(megabytes: int, file: Annotated[File | None, Input(media_types=["text/plain"])] = None) -> File:
    held = bytearray(megabytes * 2**20)
    held[::4096] = b"x" * len(held[::4096])
    Path("out.bin").write_bytes(bytes(12345))
    return File(Path("out.bin"), "application/octet-stream")


@process(id="counts")
def counts(file: Annotated[File, Input(media_types=["application/octet-stream"])]) -> int:
    return os.stat(file.path).st_size


@process(id="sparse")
def sparse(megabytes: int) -> File:
    with open("big.bin", "wb") as file:
        file.truncate(megabytes * 2**20)
    return File(Path("big.bin"), "application/octet-stream")


@process(id="writes-first")
def writes_first(context: Context) -> File:
    Path("first.txt").write_text("x")
    context.log("written")
    while not context.cancelled():
        time.sleep(0.01)
    return File(Path("first.txt"), "text/plain")
