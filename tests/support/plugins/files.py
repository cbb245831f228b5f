"""Files in and out, references inside values, and what a job sees of its surroundings."""

import os
from pathlib import Path
from typing import Annotated

from weaver_like.authoring import File, Output, process


@process(id="make")
def make(size: int = 1000, name: str = "a b.txt") -> File:
    """A file of so many bytes, none like its neighbour."""
    with open(name, "wb") as file:
        for _ in range(0, size, 2**20):
            file.write(os.urandom(2**10) * 2**10 if size > 2**20 else b"0123456789" * (size // 10))
    return File(Path(name), "text/plain")


@process(id="copy")
def copy(data: File) -> File:
    os.rename(data.path, "copy.bin")
    return File(Path("copy.bin"), "application/octet-stream")


@process(id="several")
def several() -> list[File]:
    for number in range(3):
        Path(f"{number}.txt").write_text(str(number))
    return [File(Path(f"{number}.txt")) for number in range(3)]


@process(
    id="refer",
    outputs={
        "out": Annotated[dict, Output()],
        "link": Annotated[str, Output(schema={"type": "string", "format": "uri"})],
        "text": str,
    },
)
def refer(uri: str) -> dict:
    return {"out": {"things": [[{"href": uri, "title": "x"}], {"href": "/5f1c/out/a.txt"}]}, "link": uri, "text": uri}


@process(id="environment")
def environment() -> str:
    return repr([dict(os.environ), [open(f"/proc/{pid}/environ").read() for pid in ("self", os.getppid())]])
