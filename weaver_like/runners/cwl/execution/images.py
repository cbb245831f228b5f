"""What tools say of container images and of a network."""

from collections.abc import Mapping
from typing import Any

from cwltool.errors import WorkflowException

from weaver_like.sandbox.commands import Confinement


def image_name(requirement: Mapping[str, Any]) -> str:
    """The image of a DockerRequirement; empty, if it is to be built or loaded, which nobody does here."""
    return str(requirement.get("dockerPull") or requirement.get("dockerImageId") or "")


def is_name(image: str) -> bool:
    """False for what the client of an engine would take for an option."""
    return bool(image) and not image.startswith("-")


def check_network(asked: bool, confinement: Confinement) -> None:
    """Raises: WorkflowException, if a tool asks for a network and gets none."""
    if asked and not confinement.network:
        raise WorkflowException(
            "The tool asks for a network (NetworkAccess), but this server gives commands none (sandbox.network=false)."
        )
