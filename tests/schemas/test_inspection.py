"""What the child finds in a package arrives at its parent as it was."""

import json

import pytest

from weaver_like.domain.errors import Fault
from weaver_like.domain.inspection import InspectedProcess, Inspection, Refusal, WantedImage
from weaver_like.domain.process import InputDescription, OutputDescription
from weaver_like.schemas.inspection import parse_inspection, render_inspection

PROCESS = InspectedProcess(
    name="crop",
    names_itself=True,
    fragment="",
    title="Crop",
    description=None,
    version="1.2",
    inputs=(
        InputDescription("image", {"type": "string", "contentMediaType": "image/tiff"}, "Image"),
        InputDescription("bands", {"type": "integer"}, min_occurs=0, max_occurs=None),
    ),
    outputs=(OutputDescription("cropped", {"type": "string"}, description="What is left"),),
    images=(WantedImage("debian:stable"), WantedImage("", required=False, trouble="it is to be built")),
)


@pytest.mark.parametrize(
    "found",
    [
        Inspection((PROCESS,)),
        Inspection((PROCESS, PROCESS), {"tools/a.cwl": "eA=="}, {"http://localhost/b.cwl": "text"}, ("a warning",)),
        Inspection((PROCESS,), offered={"echo:1": {"id": "echo", "version": None}}, runs=("echo", "greet")),
        Refusal("It cannot run.", (Fault("main.cwl:1:1", "class is missing"),)),
        Refusal("w=x was asked for.", missing_process=True),
    ],
    ids=["inspection", "with files", "with processes of the server", "refusal", "missing process"],
)
def test_findings_cross_to_the_parent_and_stay_equal(found: Inspection | Refusal) -> None:
    assert parse_inspection(json.loads(json.dumps(render_inspection(found)))) == found
