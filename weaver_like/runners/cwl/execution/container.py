"""A command in a container: the paths and volumes are cwltool's, the life of the container ours."""

import os
import threading
import uuid
from collections.abc import MutableMapping
from pathlib import Path

from cwl_utils.types import CWLObjectType
from cwltool.context import RuntimeContext
from cwltool.docker import DockerCommandLineJob
from cwltool.errors import WorkflowException
from cwltool.pathmapper import PathMapper
from cwltool.secrets import SecretStore

from weaver_like.runners.cwl.execution.attend import CommandExit
from weaver_like.runners.cwl.execution.command import AttendedJob
from weaver_like.runners.cwl.execution.context import JobContext, RunScope, job_context
from weaver_like.runners.cwl.execution.images import check_network, image_name, is_name, missing_name, why_not_pulled
from weaver_like.runners.cwl.execution.running import RUNNING
from weaver_like.runners.cwl.execution.staging import Staging, Zone
from weaver_like.sandbox.commands import PODMAN
from weaver_like.sandbox.containers import ContainerEngine, ContainerTrouble, limits, mark
from weaver_like.sandbox.groups import too_large
from weaver_like.sandbox.launch import Launch

#: Of a container whose main process was killed.
_KILLED = 137


class ContainerJob(AttendedJob, DockerCommandLineJob):
    """By docker or podman; what both understand."""

    needs_command = False  # the image may have one
    _scope: RunScope
    _engine: ContainerEngine

    def run(self, runtimeContext: RuntimeContext, tmpdir_lock: "threading.Lock | None" = None) -> None:
        context = job_context(runtimeContext).copy()
        context.use_container = True
        engine = context.scope.containers.find()
        if engine is None:
            raise WorkflowException("The tool runs in a container, but no container engine answers here.")
        self._scope = context.scope
        self._engine = engine
        self.docker_exec = engine.name
        super().run(context, tmpdir_lock)

    def get_from_requirements(
        self,
        r: CWLObjectType,
        pull_image: bool,
        force_pull: bool,
        tmp_outdir_prefix: str,
        image_base_path: str | None = None,
    ) -> str:
        """The name by which the engine has the image. Raises: WorkflowException."""
        name = image_name(r)
        if not is_name(name):
            raise WorkflowException(missing_name(r) or f"'{name}' is no name of an image.")
        try:
            with RUNNING:
                return self._engine.need_image(name, why_not_pulled(r, self._scope.containers))
        except ContainerTrouble as error:
            raise WorkflowException(str(error)) from error

    def _make_staging(self, context: JobContext) -> Staging:
        """A container sees its own folders only, and the inputs read-only: mounted as one."""
        assert self.stagedir is not None  # cwltool's tool made it
        inputs = Zone(self.builder.stagedir, self.stagedir, sealed=True)
        outputs = Zone(self.builder.outdir, self.outdir, sealed=False)
        return Staging(inputs, outputs, mounting=True, context=context)

    def add_volumes(
        self,
        pathmapper: PathMapper,
        runtime: list[str],
        tmpdir_prefix: str,
        secret_store: SecretStore | None = None,
        any_path_okay: bool = False,
    ) -> None:
        """Of cwltool's, which mounts each file; the options are added when all are in their places."""
        self.staging.stage(pathmapper, self.inplace_update and pathmapper is self.generatemapper)

    def create_runtime(
        self, env: MutableMapping[str, str], runtimeContext: RuntimeContext
    ) -> tuple[list[str], str | None]:
        """The client's command line up to the image. cwltool adds no network unless asked, and a read-only root."""
        context = runtimeContext.copy()
        context.no_match_user = True
        context.rm_container = False
        runtime, _ = super().create_runtime(env, context)
        check_network(self.networkaccess, self._scope.confinement)
        self._name = f"weaver_like-{uuid.uuid4()}"
        assert self.stagedir is not None
        self.append_volume(runtime, self.stagedir, self.builder.stagedir)
        for mount in self.staging.mounts:
            self.append_volume(runtime, mount.source, mount.target)
        without_file = [part for part in runtime if not part.startswith("--cidfile=")]
        return [*without_file, *self._own_options()], None

    def _own_options(self) -> list[str]:
        allowed = self._scope.group.limits
        options = [
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            f"--user={os.geteuid()}:{os.getegid()}",
            f"--name={self._name}",
            f"--label={mark(Path(self._scope.workdir), self._engine)}",
            *limits(allowed.processes, allowed.memory_bytes, allowed.cores),
            "--pull=never",
        ]
        if self._engine.name != PODMAN:
            options.append("--init")
        elif os.geteuid():
            options.append("--userns=keep-id")
        return options

    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        launch = Launch([*map(str, runtime), *map(str, self.command_line)], self._engine.environment)
        try:
            ended = self._attended(launch)
            if ended.code == _KILLED and self._engine.ran_out_of_memory(self._name):
                raise WorkflowException(too_large(self._scope.group.limits.memory_bytes))
        finally:
            with RUNNING:
                self._engine.remove(self._name)
        return ended
