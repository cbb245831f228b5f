"""Processes of the benchmark."""

from pathlib import Path
from typing import Annotated

from weaver_like.authoring import File, Input, Output, process

_BLOCK = bytes(range(256)) * 4096


@process(id="bench-read", title="Size of a file")
def read(
    document: Annotated[File, Input(media_types=["application/octet-stream"])],
) -> Annotated[int, Output(id="size")]:
    """Read a file block by block."""
    size = 0
    with document.path.open("rb") as stream:
        while block := stream.read(1 << 20):
            size += len(block)
    return size


@process(id="bench-write", title="A file of a size")
def write(blocks: int) -> Annotated[File, Output(id="document", media_types=["application/octet-stream"])]:
    """Write a file block by block."""
    path = Path("document.bin")
    with path.open("wb") as stream:
        for _ in range(blocks):
            stream.write(_BLOCK)
    return File(path, "application/octet-stream")
