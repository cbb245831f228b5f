"""Names of container images: what an engine is asked for, and which local folder stands for one."""

import re
from collections.abc import Mapping

_HUB, _OFFICIAL = "docker.io", "library"
#: Not a name, but the hash of an image.
_HASH = re.compile(r"(sha256:)?[0-9a-f]{64}\Z")


def full_name(image: str) -> str:
    """The name of an image with its registry: docker means docker.io where none is named, and podman does not guess.

    Source: https://github.com/distribution/reference, normalize.go.
    """
    if _HASH.match(image):
        return image
    first, _, rest = image.partition("/")
    registry, path = (first, rest) if rest and _is_registry(first) else (_HUB, image)
    if registry in (_HUB, f"index.{_HUB}"):
        registry = _HUB
        path = path if "/" in path else f"{_OFFICIAL}/{path}"
    return f"{registry}/{path}"


def find_folder(folders: Mapping[str, str], image: str) -> str:
    """The local folder that stands for an image, however either names it; empty: none does.

    folders: image -> folder.
    """
    if image in folders or not image:
        return folders.get(image, "")
    wanted = _with_tag(full_name(image))
    return next((folder for name, folder in folders.items() if _with_tag(full_name(name)) == wanted), "")


def _is_registry(first: str) -> bool:
    """Whether the first part of a name is a host."""
    return first == "localhost" or "." in first or ":" in first or not first.islower()


def _with_tag(name: str) -> str:
    """Without a tag or digest, the latest is meant."""
    has_one = "@" in name or ":" in name.rpartition("/")[2]
    return name if has_one else f"{name}:latest"
