"""Versions of deployed processes."""

import re
from collections.abc import Sequence

from weaver_like.domain.errors import DuplicatedProcess

FIRST_VERSION = "1.0.0"
#: Which number of a version counts up: of a replacement, and of a changed description.
MAJOR, PATCH = 0, 2
_NUMBERS = re.compile(r"(\d{1,9})(\.\d{1,9})?(\.\d{1,9})?\Z")


def next_version(current: str, taken: Sequence[str], part: int) -> str:
    """The next free version.

    part: MAJOR or PATCH.  A version that is not made of numbers is followed by the count of revisions.
    """
    if not _NUMBERS.match(current):
        return f"{len(taken) + 1}.0.0"
    numbers = ([int(number) for number in current.split(".")] + [0, 0])[:3]
    while True:
        numbers = [*numbers[:part], numbers[part] + 1, *[0] * (2 - part)]
        version = ".".join(map(str, numbers))
        if version not in taken:
            return version


def check_free(process_id: str, version: str | None, taken: Sequence[str]) -> None:
    """Raises: DuplicatedProcess."""
    if version and version in taken:
        raise DuplicatedProcess(
            f"Version {version} of process '{process_id}' already exists; give another one, or none.",
            process_id=process_id,
        )
