"""Another kind of package: what a reader has to say, and which one reads what."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.packages import application_package, described, multipart, shout
from weaver_like.app import Service
from weaver_like.deployment.deploy import Deployer
from weaver_like.deployment.reader import Fetch, PackageContents, PackagedProcess, PackageReader, Readers
from weaver_like.deployment.request import DeploymentOptions
from weaver_like.domain.errors import InvalidPackage, UnsupportedPackage
from weaver_like.domain.package import PackageFiles
from weaver_like.domain.process import ExecutionUnit, OutputDescription, Process

SCRIPT = "text/x-script"


class ScriptReader(PackageReader):
    """Scripts, which say their id in the first line, or that they are refused."""

    @property
    def media_types(self) -> tuple[str, ...]:
        return (SCRIPT,)

    @property
    def extension(self) -> str:
        return ".script"

    def recognizes(self, document: dict[str, Any]) -> bool:
        return "script" in document

    def read(self, files: PackageFiles, fetch: Fetch) -> PackageContents:
        text = files.content[files.main].decode()
        if text.startswith("refused"):
            raise InvalidPackage("The script is refused.")
        first = text.partition("\n")[0]
        name = "" if text.startswith("{") else first.removeprefix("# ")
        unit = ExecutionUnit("script", {"files": sorted(files.content), "main": files.main})
        outputs = {"said": OutputDescription("said", {"type": "string"})}
        process = Process(name, "", unit, inputs={}, outputs=outputs, mutable=True)
        return PackageContents((PackagedProcess(process),), name or None, ("it is a script",))


@pytest.fixture
def deployer(service: Service) -> Deployer:
    """That of a server with one more reader."""
    known = service.runtime.deployer.opener
    opener = replace(known, readers=Readers([*known.readers, ScriptReader()]))
    return replace(service.runtime.deployer, opener=opener)


def deployed(deployer: Deployer, body: object, content_type: str) -> Process:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = deployer.read_request(text, content_type, DeploymentOptions())
    return deployer.deploy(request, dry_run=True).processes[0]


def test_a_document_is_read_by_the_reader_of_its_media_type(deployer: Deployer) -> None:
    process = deployed(deployer, b"# wave\necho hello", f"{SCRIPT}; charset=utf-8")
    assert (process.id, process.version) == ("wave", "1.0.0")
    assert process.unit == ExecutionUnit("script", {"files": ["main.script"], "main": "main.script"})


def test_what_is_deployed_is_kept_with_its_package(deployer: Deployer) -> None:
    request = deployer.read_request(b"# kept\n", SCRIPT, DeploymentOptions(version="2.0"))
    done = deployer.deploy(request)
    assert done.warnings == ("it is a script",)
    revision = deployer.store.get("kept", "2.0")
    assert (revision.process.unit.runner, revision.package.media_type) == ("script", SCRIPT)
    deployer.undeploy("kept")


@pytest.mark.parametrize(
    ("unit", "runner", "main"),
    [
        ({"value": "# x", "mediaType": SCRIPT}, "script", "unit.script"),
        ({"value": {"script": "x", "id": "own"}, "mediaType": SCRIPT}, "script", "own.script"),
        ({"value": {"script": "x"}, "mediaType": "application/json"}, "script", "unit.script"),
        ({"script": "x"}, "script", "unit.script"),
        ({"unit": shout("inner")}, "cwl", "inner.cwl"),
    ],
)
def test_a_unit_is_read_by_the_reader_of_its_kind(
    deployer: Deployer, unit: dict[str, Any], runner: str, main: str
) -> None:
    """By its media type, else by its members."""
    package = application_package("packed", unit)
    package["processDescription"]["process"]["inputs"] = {}
    process = deployed(deployer, package, "application/ogcapppkg+json")
    assert (process.id, process.title, process.version) == ("packed", "Shouts", "2.1.0")
    assert (process.unit.runner, process.unit.target["main"]) == (runner, main)


@pytest.mark.parametrize(("body", "runner"), [({"script": "x"}, "script"), (shout("plain"), "cwl")])
def test_a_document_that_may_be_anything_is_recognized_by_its_members(
    deployer: Deployer, body: dict[str, Any], runner: str
) -> None:
    request = deployer.read_request(json.dumps(body).encode(), "application/json", DeploymentOptions("plain"))
    assert deployer.deploy(request, dry_run=True).processes[0].unit.runner == runner


def test_a_part_is_read_by_the_reader_of_its_media_type(deployer: Deployer) -> None:
    description = {"Content-Type": "application/json", "Content-Location": "about.json"}
    script = {"Content-Type": SCRIPT, "Content-Location": "run.script"}
    kind, body = multipart([(script, b"# x"), (description, described("parts", inputs={}))])
    process = deployed(deployer, body, kind)
    assert (process.id, process.unit.runner, process.unit.target["main"]) == ("parts", "script", "run.script")


def test_a_refusal_is_that_of_the_reader(deployer: Deployer) -> None:
    with pytest.raises(InvalidPackage, match=r"The script is refused\."):
        deployed(deployer, b"refused", SCRIPT)


def test_what_no_reader_knows_is_refused_with_what_is_known(deployer: Deployer) -> None:
    with pytest.raises(UnsupportedPackage, match=rf"Expected one of application/cwl.*{SCRIPT}.*got .*'text/html'"):
        deployed(deployer, b"x", "text/html")
    package = application_package("packed", {"value": "x", "mediaType": "text/html"})
    with pytest.raises(InvalidPackage, match=f"expected one of application/cwl.*{SCRIPT}, got 'text/html'"):
        deployed(deployer, package, "application/json")
