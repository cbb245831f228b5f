"""Container images that the tools of a package ask for."""

from collections.abc import Iterator

from cwltool.process import Process

from weaver_like.domain.inspection import WantedImage
from weaver_like.runners.cwl.document.tools import processes_of
from weaver_like.runners.cwl.execution.images import image_name, missing_name


def images_of(process: Process) -> tuple[WantedImage, ...]:
    """Each once, in the order of their names."""
    return tuple(sorted(set(_images(process)), key=lambda image: (image.name, not image.required, image.trouble)))


def _images(process: Process) -> Iterator[WantedImage]:
    """Yield that of each tool; what workflows and steps ask for is their tools' as well."""
    for part in processes_of(process):
        image, required = part.get_requirement("DockerRequirement")
        if part.tool.get("class") == "CommandLineTool" and image is not None:
            yield WantedImage(image_name(image), bool(required), missing_name(image))
