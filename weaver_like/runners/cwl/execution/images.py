"""What tools say of container images and of a network, and what becomes of that here."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cwltool.errors import WorkflowException

from weaver_like.sandbox.commands import Confinement
from weaver_like.sandbox.containers import Containers

#: Member of DockerRequirement by which an image would be made -> what nobody does here.
_MADE_BY = {"dockerFile": "built", "dockerLoad": "loaded", "dockerImport": "imported"}
#: A program by its place in an image: below /usr/bin, /usr/local/bin, /opt/conda/bin, /opt/conda/envs/x/bin, ...
_IN_IMAGE = re.compile(r"(?:/[^/\s]+)*/s?bin/([^/\s]+)")
_SHELL = ["/bin/sh", "-c"]


def image_name(requirement: Mapping[str, Any]) -> str:
    """The image of a DockerRequirement; empty, if it is to be built or loaded, which nobody does here."""
    return str(requirement.get("dockerPull") or requirement.get("dockerImageId") or "")


def is_name(image: str) -> bool:
    """False for what the client of an engine would take for an option."""
    return bool(image) and not image.startswith("-")


def missing_name(requirement: Mapping[str, Any]) -> str:
    """Why the image of a DockerRequirement without a name cannot be had; empty, if it has one."""
    if image_name(requirement):
        return ""
    reasons = _not_made(requirement) or ["it has neither dockerPull nor dockerImageId"]
    return (
        f"DockerRequirement names no image: {', '.join(reasons)}. "
        "Name one by dockerPull, or by dockerImageId one that the operator has."
    )


def why_not_pulled(requirement: Mapping[str, Any], containers: Containers) -> str:
    """Why a missing image is not pulled; empty: it is."""
    if not requirement.get("dockerPull"):
        reasons = [
            "dockerImageId names one that must be present; dockerPull would have it pulled",
            *_not_made(requirement),
        ]
        return "; ".join(reasons)
    return "" if containers.pull else "images are not pulled (sandbox.pull=false)"


def _not_made(requirement: Mapping[str, Any]) -> list[str]:
    return [f"images are not {what} here ({member})" for member, what in _MADE_BY.items() if requirement.get(member)]


def in_environment(argv: Sequence[str], count: int, folder: str) -> list[str]:
    """A command whose programs are those of the environment that stands for the tool's image.

    The image has them in other places: `/opt/conda/bin/gdalinfo` is `bin/gdalinfo` of the environment, if that has one.

    Args:
        count: of the words that may be programs: those of the tool's baseCommand.
        folder: of the environment.
    """
    if list(argv[:2]) == _SHELL and len(argv) > 2:
        word, blank, rest = argv[2].partition(" ")
        program = _program(word, folder)
        return [*_SHELL, f"{shlex.quote(program) if program else word}{blank}{rest}", *argv[3:]]
    return [_program(word, folder) or word for word in argv[:count]] + list(argv[count:])


def _program(word: str, folder: str) -> str:
    """The program of an environment that a word means; empty, if it means none."""
    found = _IN_IMAGE.fullmatch(word)
    path = os.path.join(folder, "bin", found[1]) if found else ""
    return path if os.path.isfile(path) else ""


def check_network(asked: bool, confinement: Confinement) -> None:
    """Raises: WorkflowException, if a tool asks for a network and gets none."""
    if asked and not confinement.network:
        raise WorkflowException(
            "The tool asks for a network (NetworkAccess), but this server gives commands none (sandbox.network=false)."
        )
