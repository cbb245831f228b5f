"""What is checked of a process before it is deployed: that it can be named, and that its images can run."""

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.ids import is_process_id
from weaver_like.domain.process import Process

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def check_names(process: Process) -> None:
    """Raises: InvalidPackage, if the id or the version of a process cannot stand in a URL."""
    if not process.id:
        raise InvalidPackage(
            "The package has no id: give one in the document, in a description beside it, or as the query parameter "
            "`id`.",
            faults=[Fault("/id", "this member is required")],
        )
    if not is_process_id(process.id):
        raise InvalidPackage(
            "The id of the process must be 1 to 128 letters, digits, '.', '_' or '-' and start with a letter or digit, "
            f"got '{process.id[:200]}'. It is that of the document, or the query parameter `id`."
        )
    if process.version and not _VERSION.match(process.version):
        raise InvalidPackage(
            "The version of the process must be 1 to 64 letters, digits, '.', '_' or '-', "
            f"got '{process.version[:100]}'."
        )


@dataclass(frozen=True, slots=True)
class ImageSupport:
    """Which container images can run here.

    Args:
        folders: images that the operator mapped to local folders.
        engine_answers: whether a container engine does.
        elsewhere: ids of processes that another engine runs, with containers of its own; "*": all.
    """

    folders: Set[str] = frozenset()
    engine_answers: Callable[[], bool] = bool
    elsewhere: Set[str] = frozenset()

    def check(self, process_id: str, images: Sequence[str]) -> None:
        """Raises: InvalidPackage, if a process cannot run without an image that nobody here can start."""
        if {"*", process_id} & self.elsewhere:
            return
        missing = [image for image in images if image not in self.folders]
        if missing and not self.engine_answers():
            raise InvalidPackage(
                f"The package requires containers of {', '.join(missing)[:500]}, but no container engine answers here. "
                "Make DockerRequirement a hint, or ask the operator to map the image to a local folder "
                "(sandbox.images)."
            )
