"""Images of tools: the name that an engine is asked for, the folder that stands for one, what is told without both."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from webtest import TestApp

from tests.sandbox.packages import Packages, shell
from tests.support.applications import make_service
from weaver_like.engines.base import ClosePolicy
from weaver_like.sandbox.images import find_folder, full_name

#: An engine as its client is seen from outside: it writes down what it is asked, has images, and runs nothing.
CLIENT = """#!/bin/sh
cd "$(dirname "$0")" && echo "$*" >> asked
for last; do :; done
case "$1 $2" in
    "image inspect") grep -qx -- "$last" images ;;
    pull\\ *) echo "$last" >> images ;;
esac
"""
SHELL_LINE = {"requirements": {"ShellCommandRequirement": {}}, "baseCommand": []}


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:12", "docker.io/library/debian:12"),
        ("eoepca/convert:latest", "docker.io/eoepca/convert:latest"),
        ("docker.io/debian", "docker.io/library/debian"),
        ("index.docker.io/eoepca/convert", "docker.io/eoepca/convert"),
        ("ghcr.io/a/b@sha256:" + "0" * 64, "ghcr.io/a/b@sha256:" + "0" * 64),
        ("localhost/tiny:1", "localhost/tiny:1"),
        ("registry:5000/tiny", "registry:5000/tiny"),
        ("sha256:" + "a" * 64, "sha256:" + "a" * 64),
    ],
)
def test_a_name_without_a_registry_is_what_docker_means_by_it(image: str, whole: str) -> None:
    assert full_name(image) == whole


@pytest.mark.parametrize(
    ("mapped", "image", "found"),
    [
        ("debian", "docker.io/library/debian:latest", True),
        ("docker.io/someone/tools:1", "someone/tools:1", True),
        ("debian:12", "debian", False),
        ("ghcr.io/someone/tools:1", "someone/tools:1", False),
        ("debian", "", False),
    ],
)
def test_a_folder_stands_for_an_image_however_it_is_named(mapped: str, image: str, found: bool) -> None:
    assert bool(find_folder({mapped: "/srv/images/some"}, image)) is found


@dataclass(frozen=True)
class Engine:
    """folder: of its client."""

    folder: Path
    packages: Packages

    def run(self, requirement: dict, here: list[str]) -> tuple[str, list[str]]:
        """Why the tool failed, if it did, and what the engine was asked. here: images that it has."""
        (self.folder / "images").write_text("".join(f"{name}\n" for name in here))
        (self.folder / "asked").write_text("")
        ran = self.packages.run(shell("true", {}, {"DockerRequirement": requirement}))
        return ran.reason, (self.folder / "asked").read_text().splitlines()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "podman").write_text(CLIENT)
    (folder / "podman").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        service = make_service(tmp_path_factory.mktemp("engine"), "sandbox.containers=podman")
        yield Engine(folder, Packages(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})))
        service.stop(ClosePolicy.KILL)


@pytest.mark.parametrize(
    ("image", "here", "pulled", "run"),
    [
        ("eoepca/convert:latest", [], "docker.io/eoepca/convert:latest", "docker.io/eoepca/convert:latest"),
        ("debian", [], "docker.io/library/debian", "docker.io/library/debian"),
        ("ghcr.io/a/b:1", [], "ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("debian", ["docker.io/library/debian"], None, "docker.io/library/debian"),
        ("built-here:1", ["built-here:1"], None, "built-here:1"),
    ],
    ids=["short name", "official", "with a registry", "pulled before", "built here"],
)
def test_podman_is_asked_for_whole_names(
    engine: Engine, image: str, here: list[str], pulled: str | None, run: str
) -> None:
    _, asked = engine.run({"dockerPull": image}, here)
    assert [line for line in asked if line.startswith("pull")] == ([f"pull --quiet -- {pulled}"] if pulled else [])
    (command,) = [line for line in asked if line.startswith("run")]
    assert command.endswith(f" {run} sh -c true")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "dockerImageId names one that must be present; dockerPull would have it pulled."),
        ({"dockerFile": "FROM debian"}, "images are not built here (dockerFile)."),
        ({"dockerLoad": "http://localhost/x.tar"}, "images are not loaded here (dockerLoad)."),
        ({"dockerImport": "http://localhost/x.tar"}, "images are not imported here (dockerImport)."),
    ],
    ids=["alone", "built", "loaded", "imported"],
)
def test_an_image_that_must_be_here_is_used_if_it_is_and_never_pulled(engine: Engine, more: dict, told: str) -> None:
    reason, asked = engine.run({"dockerImageId": "mine", **more}, ["mine"])
    assert reason == ""
    assert [line for line in asked if line.startswith("run")]
    reason, asked = engine.run({"dockerImageId": "mine", **more}, [])
    assert "The image 'mine' is not present, and dockerImageId names one that must be present" in reason
    assert told in reason
    assert not [line for line in asked if line.startswith(("pull", "run"))]


@pytest.fixture
def alone(make_app: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Packages:
    """Where no engine answers."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    return Packages(make_app("sandbox.containers=docker"))


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ({"dockerFile": "FROM debian"}, "images are not built here (dockerFile)"),
        ({"dockerLoad": "http://localhost/x.tar"}, "images are not loaded here (dockerLoad)"),
        ({"dockerImport": "http://localhost/x.tar"}, "images are not imported here (dockerImport)"),
        ({"dockerOutputDirectory": "/out"}, "it has neither dockerPull nor dockerImageId"),
        ({"dockerPull": "nobody/has:1"}, "'nobody/has:1'"),
        ({"dockerImageId": "mine", "dockerFile": "FROM debian"}, "'mine'"),
    ],
    ids=["built", "loaded", "imported", "none", "by name", "by id"],
)
def test_an_image_that_cannot_be_had_is_told_when_it_is_deployed(alone: Packages, requirement: dict, told: str) -> None:
    alone.deploy(shell("true", {}, {"DockerRequirement": requirement}), status=400)
    assert told.strip("'") in alone.last.json["detail"]
    alone.deploy(shell("true", {}, hints={"DockerRequirement": requirement}))
    (warning,) = [text for text in alone.last.json["warnings"] if "It is only a hint" in text]
    assert told in warning


def test_a_step_whose_image_cannot_be_had_is_told_when_it_is_deployed(alone: Packages) -> None:
    step = {"run": shell("true", {}), "in": {}, "out": [], "requirements": {"DockerRequirement": {"dockerPull": "a/b"}}}
    flow = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": {}, "outputs": {}, "steps": {"one": step}}
    alone.deploy(flow, status=400)
    assert "requires containers of a/b" in alone.last.json["detail"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["no-such-program"], "The command 'no-such-program' was not found"),
        (["sh", "-c", "no-such-program"], "ended with exit code 127"),
    ],
    ids=["the command", "within a script"],
)
def test_a_failure_names_the_image_that_was_only_a_hint(alone: Packages, command: list[str], told: str) -> None:
    hints = {"DockerRequirement": {"dockerPull": "some/image:1"}}
    ran = alone.run(shell("", {}, hints=hints, baseCommand=command))
    assert told in ran.reason
    assert "It ran without the image 'some/image:1', at which the tool only hints." in ran.reason


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """Where an environment with the one program `mine` stands for an image."""
    folder = tmp_path_factory.mktemp("mapped")
    program = folder / "env" / "bin" / "mine"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho from the environment\n")
    program.chmod(0o755)
    service = make_service(folder / "data", f"sandbox.images=some/env:1={folder / 'env'}")
    yield Packages(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"}))
    service.stop(ClosePolicy.KILL)


@pytest.mark.parametrize(
    "members",
    [
        {"baseCommand": "mine", "requirements": {"EnvVarRequirement": {"envDef": {"PATH": "/opt/conda/bin:/usr/bin"}}}},
        {"baseCommand": "/usr/bin/mine"},
        {"baseCommand": "/usr/local/bin/mine"},
        {"baseCommand": "/opt/conda/envs/some/bin/mine"},
        {"baseCommand": ["sh", "/usr/local/bin/mine"]},
        {"baseCommand": [], "arguments": ["/opt/conda/bin/mine"]},
        SHELL_LINE | {"arguments": [{"valueFrom": "/opt/conda/bin/mine | cat", "shellQuote": False}]},
        {"baseCommand": ["/bin/sh", "-c", "/opt/conda/bin/mine"]},
        {"baseCommand": "mine", "image": "docker.io/some/env:1"},
    ],
    ids=[
        *("PATH", "usr bin", "usr local bin", "conda", "script of a program", "arguments", "line of a shell"),
        *("script of a shell", "image with a registry"),
    ],
)
def test_the_programs_of_a_tool_are_those_of_the_folder_for_its_image(mapped: Packages, members: dict) -> None:
    members = dict(members)
    hints = {"DockerRequirement": {"dockerPull": members.pop("image", "some/env:1")}}
    ran = mapped.run(shell("", hints=hints) | {"requirements": {}} | members)
    assert ran.text == "from the environment\n", ran


def test_programs_that_the_folder_does_not_have_are_the_machines(mapped: Packages) -> None:
    hints = {"DockerRequirement": {"dockerPull": "some/env:1"}}
    assert mapped.run(shell("", hints=hints, baseCommand=["/bin/echo", "here"])).text == "here\n"
    ran = mapped.run(shell("", hints=hints, baseCommand="no-such-program"))
    assert "nor in the folder that stands for its image 'some/env:1'" in ran.reason
