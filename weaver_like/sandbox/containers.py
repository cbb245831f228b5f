"""Container engines: finds the one that answers, gets its images, and removes containers that outlive their job."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from weaver_like.sandbox.commands import DOCKER, PODMAN
from weaver_like.sandbox.groups import group_name
from weaver_like.sandbox.images import full_name

#: Variables of the environment that a client of an engine needs.
CLIENT_VARIABLES = (
    "HOME",
    "PATH",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "XDG_RUNTIME_DIR",
)
#: File in a work folder that names the engine with containers of this attempt.
_MARK = "containers"
_LABEL = "weaver_like.attempt"
_SOCKET = "unix:///var/run/docker.sock"
_ANSWER_S, _PULL_S, _CONNECT_S = 20, 3600, 2
#: What was asked for -> engine that answered; where none did, all are asked again.
_found: dict[tuple[object, ...], str] = {}


class ContainerTrouble(Exception):
    """The engine failed; the text is its own."""


@dataclass(frozen=True, slots=True)
class Containers:
    """How the operator lets containers be used.

    Args:
        kind: DOCKER or PODMAN; empty: the first that answers.
        image: for commands that name none of their own.
        pull: whether images that are missing are pulled.
        environment: of the engine's client.
    """

    kind: str = ""
    image: str = ""
    pull: bool = True
    environment: dict[str, str] = field(default_factory=dict)

    def find(self) -> "ContainerEngine | None":
        """The engine that answers, if one does."""
        key = (self.kind, *sorted(self.environment.items()))
        name = _found.get(key) or self._ask()
        _found[key] = name
        return ContainerEngine(name, self.environment) if name else None

    def _ask(self) -> str:
        for name in (DOCKER, PODMAN):
            if self.kind in ("", name) and _answers(name, self.environment):
                return name
        return ""


@dataclass(frozen=True, slots=True)
class ContainerEngine:
    """An engine that answers. name: of its client."""

    name: str
    environment: dict[str, str]

    def ask(self, *arguments: str, limit_s: float = _ANSWER_S) -> str:
        """Call the client; what it prints. Raises: ContainerTrouble."""
        try:
            ended = subprocess.run(
                [self.name, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ContainerTrouble(f"{self.name}: {error}") from error
        if ended.returncode:
            raise ContainerTrouble(f"{self.name}: {ended.stderr.decode('utf-8', 'replace').strip()[-1000:]}")
        return ended.stdout.decode("utf-8", "replace")

    def need_image(self, image: str, why_not_pulled: str = "") -> str:
        """Make sure that an image is present; the name by which the engine knows it.

        why_not_pulled: why nobody may pull it; empty: it is pulled if it is missing.
        Raises: ContainerTrouble.
        """
        whole = full_name(image)
        for name in dict.fromkeys((image, whole)):
            if self._has(name):
                return name
        if why_not_pulled:
            raise ContainerTrouble(f"The image '{image}' is not present, and {why_not_pulled}.")
        try:
            self.ask("pull", "--quiet", "--", whole, limit_s=_PULL_S)
        except ContainerTrouble as error:
            raise ContainerTrouble(f"The image '{image}' cannot be pulled: {error}") from error
        return whole

    def _has(self, image: str) -> bool:
        try:
            self.ask("image", "inspect", "--format", "{{.Id}}", "--", image)
        except ContainerTrouble:
            return False
        return True

    def remove(self, *names: str) -> None:
        """End and remove containers; it does no harm if they have gone already."""
        if not names:
            return
        try:
            self.ask("rm", "--force", "--volumes", *names)
        except ContainerTrouble:
            pass

    def ran_out_of_memory(self, name: str) -> bool:
        try:
            return self.ask("inspect", "--format", "{{.State.OOMKilled}}", name).strip() == "true"
        except ContainerTrouble:
            return False


def mark(workdir: Path, engine: ContainerEngine) -> str:
    """Note in the work folder that an attempt has containers; the label that each of them gets."""
    (workdir / _MARK).write_text(engine.name)
    return _label(workdir)


def remove_containers(workdir: Path, environment: dict[str, str]) -> None:
    """Remove the containers that an attempt left. environment: of the engine's client."""
    try:
        name = (workdir / _MARK).read_text()
    except OSError:
        return
    if name not in (DOCKER, PODMAN):
        return
    engine = ContainerEngine(name, environment)
    try:
        found = engine.ask("ps", "--all", "--quiet", "--filter", f"label={_label(workdir)}")
        engine.remove(*found.split())
    except ContainerTrouble:
        pass


def _label(workdir: Path) -> str:
    return f"{_LABEL}={group_name(workdir)}"


def _answers(name: str, environment: dict[str, str]) -> bool:
    if shutil.which(name, path=environment.get("PATH", os.defpath)) is None:
        return False
    host = environment.get("DOCKER_HOST", _SOCKET)
    if name == DOCKER and host.startswith("unix://") and "DOCKER_CONTEXT" not in environment:
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.settimeout(_CONNECT_S)
            return attempt.connect_ex(host.removeprefix("unix://")) == 0
    question = "version" if name == DOCKER else "info"
    try:
        ContainerEngine(name, environment).ask(question)
    except ContainerTrouble:
        return False
    return True


def limits(processes: int, memory_bytes: int, cores: float) -> Sequence[str]:
    """Options for the limits of a container; 0 means no limit."""
    options = []
    if processes:
        options.append(f"--pids-limit={processes}")
    if memory_bytes:
        options += [f"--memory={memory_bytes}b", f"--memory-swap={memory_bytes}b"]
    if cores:
        options.append(f"--cpus={cores:g}")
    return options
