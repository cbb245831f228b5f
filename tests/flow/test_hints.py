"""Requirements and hints with names of somebody else's."""

import pytest
from webtest import TestApp

from tests.support.packages import deploy, fresh

NAMESPACES = {"cwltool": "http://commonwl.org/cwltool#", "ogc": "http://www.opengis.net/cal#"}
TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "$namespaces": NAMESPACES,
    "baseCommand": "true",
    "inputs": {"word": "string", "file": "File"},
    "outputs": {},
}


def flow(**step: object) -> dict:
    tool = {key: value for key, value in TOOL.items() if key not in ("cwlVersion", "$namespaces")}
    common = {key: value for key, value in TOOL.items() if key != "baseCommand"}
    return common | {
        "class": "Workflow",
        "steps": {"one": {"run": tool, "in": {"word": "word", "file": "file"}, "out": [], **step}},
    }


def warnings(app: TestApp, package: dict) -> list[str]:
    name = fresh()
    return deploy(app, package | {"id": name}, query="?dryRun=true", status=200).json.get("warnings", [])


@pytest.mark.parametrize(
    ("package", "told"),
    [
        (TOOL | {"hints": {"ogc:Calibration": {"bands": 3}}}, ["its hint 'ogc:Calibration' is not understood here"]),
        (
            TOOL | {"hints": [{"class": "ogc:One"}, {"class": "http://example.org/Two"}, {"class": "ogc:Three"}]},
            ["'ogc:One'", "'http://example.org/Two'", "'ogc:Three'"],
        ),
        (flow(hints={"ogc:Calibration": {}}), ["Step 'one': its hint 'ogc:Calibration'"]),
        (flow() | {"hints": {"ogc:Calibration": {}}}, ["Workflow '"]),
        (TOOL | {"hints": {"SoftwareRequirement": {"packages": {"gdal": {}}}}}, ["nothing is installed for it"]),
        (TOOL | {"hints": {"cwltool:Secrets": {"secrets": ["word"]}}}, []),
        (TOOL | {"hints": {"cwltool:Secrets": {"secrets": ["wrd"]}}}, ["names 'wrd', but there is no such input"]),
        (TOOL | {"hints": {"cwltool:Secrets": {"secrets": ["file"]}}}, ["what is in a file is not masked"]),
        (TOOL | {"cwlVersion": "v1.0", "hints": {"cwltool:NetworkAccess": {"networkAccess": False}}}, []),
    ],
    ids=["one", "three", "step", "workflow", "software", "secrets", "no such secret", "secret file", "taken into CWL"],
)
def test_each_hint_that_is_not_understood_is_a_warning(app: TestApp, package: dict, told: list[str]) -> None:
    found = warnings(app, package)
    assert len(found) == len(told), found
    for text, wanted in zip(found, told, strict=True):
        assert wanted in text


@pytest.mark.parametrize(
    ("package", "name"),
    [
        (TOOL | {"requirements": {"ogc:Calibration": {"bands": 3}}}, "ogc:Calibration"),
        (
            TOOL | {"requirements": [{"class": "cwltool:CUDARequirement", "cudaVersionMin": "11"}]},
            "cwltool:CUDA",
        ),
        (
            TOOL | {"cwlVersion": "v1.0", "requirements": {"cwltool:NetworkAccess": {"networkAccess": True}}},
            "cwltool:N",
        ),
        (flow(requirements={"cwltool:Loop": {}}), "cwltool:Loop"),
        (flow() | {"requirements": {"ogc:Calibration": {}}}, "ogc:Calibration"),
        (TOOL | {"requirements": {"SoftwareRequirement": {"packages": {"gdal": {}}}}}, "SoftwareRequirement"),
    ],
    ids=["tool", "list", "v1.0", "step", "workflow", "software"],
)
def test_a_requirement_that_is_not_supported_is_named_with_its_place(app: TestApp, package: dict, name: str) -> None:
    answer = deploy(app, package | {"id": fresh()}, status=400).json
    (error,) = answer["errors"]
    assert error["detail"].startswith(f"requirement {name}")
    assert "is not supported here" in error["detail"]
    assert error["pointer"].startswith("main.cwl:")


def test_a_mistake_in_a_requirement_is_told_without_the_list_of_all_that_there_are(app: TestApp) -> None:
    package = TOOL | {"id": fresh(), "requirements": {"DockerRequirement": {"dockerPul": "debian"}}}
    (error,) = deploy(app, package, status=400).json["errors"]
    assert error["detail"].startswith("invalid field 'dockerPul', expected one of")
