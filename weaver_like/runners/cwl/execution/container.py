"""A command in a container: the paths and volumes are cwltool's, the life of the container ours."""

import os
import uuid
from collections.abc import MutableMapping
from pathlib import Path

from cwl_utils.types import CWLObjectType
from cwltool.docker import DockerCommandLineJob
from cwltool.errors import WorkflowException

from weaver_like.runners.cwl.execution.attend import CommandExit
from weaver_like.runners.cwl.execution.job import RUNNING, Attended, JobContext
from weaver_like.sandbox.commands import PODMAN, Launch
from weaver_like.sandbox.containers import ContainerTrouble, limits, mark
from weaver_like.sandbox.groups import too_large


class ContainerJob(Attended, DockerCommandLineJob):
    """By docker or podman; what both understand."""

    needs_command = False  # the image may have one

    def run(self, runtimeContext: JobContext, tmpdir_lock: object = None) -> None:
        self._context = context = runtimeContext.copy()
        context.use_container, context.engine = True, runtimeContext.containers.find()
        if context.engine is None:
            raise WorkflowException("The tool runs in a container, and no container engine answers here.")
        self.docker_exec = context.engine.name
        super().run(context, tmpdir_lock)

    def get_from_requirements(
        self,
        r: CWLObjectType,
        pull_image: bool,
        force_pull: bool,
        tmp_outdir_prefix: str,
        image_base_path: str | None = None,
    ) -> str:
        """The image's name. Raises: WorkflowException."""
        image = str(r.get("dockerImageId") or r.get("dockerPull") or "")
        if not image or image.startswith("-"):
            raise WorkflowException(
                "DockerRequirement has neither dockerPull nor dockerImageId; images are not built or loaded here."
            )
        try:
            with RUNNING:
                self._context.engine.need_image(
                    str(r.get("dockerPull") or image), self._context.containers.pull and "dockerPull" in r
                )
        except ContainerTrouble as error:
            raise WorkflowException(str(error)) from error
        return str(r.get("dockerPull") or image)

    def create_runtime(self, env: MutableMapping[str, str], runtimeContext: JobContext) -> tuple[list[str], None]:
        """The client's command line up to the image. cwltool adds no network unless asked, and a read-only root."""
        context = runtimeContext.copy()
        context.no_match_user, context.rm_container = True, False
        runtime, _ = super().create_runtime(env, context)
        if self.networkaccess and not context.confinement.network:
            raise WorkflowException(
                "The tool asks for a network (NetworkAccess), and this server gives commands none (sandbox.network=false)."
            )
        self._name = f"weaver_like-{uuid.uuid4()}"
        allowed = context.group.limits
        own = [
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            f"--user={os.geteuid()}:{os.getegid()}",
            f"--name={self._name}",
            f"--label={mark(Path(context.workdir), context.engine)}",
            *limits(allowed.processes, allowed.memory_bytes, allowed.cores),
        ]
        if context.engine.name == PODMAN:
            own += ["--pull=never", *(["--userns=keep-id"] if os.geteuid() else [])]
        else:
            own += ["--init", "--pull=never"]
        cidfile = [part for part in runtime if part.startswith("--cidfile=")]
        return [*(part for part in runtime if part not in cidfile), *own], None

    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        launch = Launch([*map(str, runtime), *map(str, self.command_line)], context.engine.environment)
        try:
            ended = self._attended(launch)
            if ended.code == 137 and context.engine.ran_out_of_memory(self._name):
                raise WorkflowException(too_large(context.group.limits.memory_bytes))
        finally:
            with RUNNING:
                context.engine.remove(self._name)
        return ended
