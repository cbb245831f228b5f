"""What is checked of a process before it is deployed: that it can be named, and that its images can run."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from weaver_like.domain.errors import Fault, InvalidPackage
from weaver_like.domain.ids import is_process_id
from weaver_like.domain.inspection import WantedImage
from weaver_like.domain.process import Process
from weaver_like.sandbox.images import find_folder

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
        folders: image -> local folder, of those that the operator mapped.
        engine_answers: whether a container engine does.
        elsewhere: ids of processes that another engine runs, with containers of its own; "*": all.
    """

    folders: Mapping[str, str] = field(default_factory=dict)
    engine_answers: Callable[[], bool] = bool
    elsewhere: Set[str] = frozenset()

    def check(self, process_id: str, images: Sequence[WantedImage]) -> list[str]:
        """What the author should know of images that are only hints, and that nobody has here.

        Raises: InvalidPackage, if a process cannot run without an image that nobody here can start.
        """
        missing = [image for image in images if not find_folder(self.folders, image.name)]
        if {"*", process_id} & self.elsewhere or not missing:
            return []
        engine_answers = self.engine_answers()
        _check_required([image for image in missing if image.required], engine_answers)
        return [_warning(image) for image in missing if image.trouble or not engine_answers]


def _check_required(missing: Sequence[WantedImage], engine_answers: bool) -> None:
    for image in missing:
        if image.trouble:
            raise InvalidPackage(image.trouble)
    if missing and not engine_answers:
        names = ", ".join(image.name for image in missing)
        raise InvalidPackage(
            f"The package requires containers of {names[:500]}, but no container engine answers here. "
            "Make DockerRequirement a hint, or ask the operator to map the image to a local folder "
            "(sandbox.images)."
        )


def _warning(image: WantedImage) -> str:
    trouble = image.trouble or (
        f"The image '{image.name[:500]}' cannot be had here: no container engine answers, and no local folder stands "
        "for it (sandbox.images)."
    )
    return f"{trouble} It is only a hint, so commands run without it, and find what is installed on this server."
