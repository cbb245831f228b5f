"""Small documents of CWL for the tests of the driver."""

import hashlib
from pathlib import Path

from tests.conformance.cwl import bundle
from tests.conformance.cwl.suite import Case

TEXT = "one line\n"
CHECKSUM = "sha1$" + hashlib.sha1(TEXT.encode()).hexdigest()


def write(folder: Path, **files: str) -> Path:
    """Files below a folder, `a__b_cwl` as `a/b.cwl`; the folder."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(packed: bundle.Bundle) -> list[str]:
    return [packed.name(path) for path in packed.files]


def make_case(tool: Path, job: Path | None = None, process: str | None = None) -> Case:
    return Case("one", frozenset(), tool, process, job, {}, False)
