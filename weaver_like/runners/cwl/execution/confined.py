"""A command on this machine, confined; paths are the same inside and outside."""

import os
import shutil
import threading
from collections.abc import MutableMapping

from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import CommandLineJob
from cwltool.utils import aslist

from weaver_like.runners.cwl.execution.attend import CommandExit
from weaver_like.runners.cwl.execution.command import AttendedJob
from weaver_like.runners.cwl.execution.context import JobContext, job_context
from weaver_like.runners.cwl.execution.images import check_network, image_name, in_environment
from weaver_like.runners.cwl.execution.staging import Staging, Zone
from weaver_like.sandbox import kernel
from weaver_like.sandbox.commands import BUBBLEWRAP, NONE, Command, Confinement, environment_path
from weaver_like.sandbox.images import find_folder
from weaver_like.sandbox.launch import launching

#: PATH inside of a root that stands for an image.
_ROOT_PATH = "/usr/local/bin:/usr/bin:/bin"


class ConfinedJob(AttendedJob, CommandLineJob):
    """As the operator confines commands (`sandbox.kind`)."""

    def run(self, runtimeContext: RuntimeContext, tmpdir_lock: "threading.Lock | None" = None) -> None:
        """In the place of cwltool's, which puts links where the command looks for its files."""
        context = job_context(runtimeContext)
        os.makedirs(self.tmpdir, exist_ok=True)
        try:
            self._setup(context)
            self.staging.stage(self.pathmapper)
            if self.generatemapper is not None:
                self.staging.stage(self.generatemapper, self.inplace_update)
        except (WorkflowException, OSError) as error:
            self.node.begin()
            self.node.fail(f"could not be started: {error}")
            raise
        self._execute([], self.environment, context)

    def _make_staging(self, context: JobContext) -> Staging:
        """Under bubblewrap a command may write to nothing of the job but its output folder and its tmp folder."""
        mounting = context.scope.confinement.kind == BUBBLEWRAP
        inputs = Zone(self.builder.stagedir, self.builder.stagedir, sealed=mounting)
        outputs = Zone(self.outdir, self.outdir, sealed=False)
        return Staging(inputs, outputs, mounting=mounting, context=context)

    def _run(self, runtime: list[str], env: MutableMapping[str, str], context: JobContext) -> CommandExit:
        command = self._command([*map(str, runtime), *map(str, self.command_line)], env, context)
        if not command.root:
            self._check_program(command.argv[0], command.environment["PATH"])
        kernel.adopt_orphans()
        scope = context.scope
        with launching(command, scope.confinement, scope.group.folders) as launch:
            return self._attended(launch)

    def _check_program(self, name: str, path: str) -> None:
        """Raises: WorkflowException, for a program that is not here: a sandbox would say so in words of its own."""
        real = self.staging.real
        folders = os.pathsep.join(real(os.path.join(self.outdir, folder)) for folder in path.split(os.pathsep))
        own = real(os.path.join(self.outdir, name))
        wanted = own if os.path.dirname(name) else name
        if shutil.which(wanted, path=folders) or shutil.which(own):
            return
        if os.path.isfile(own):
            raise WorkflowException(
                f"The command '{name}' is a file that may not be executed; "
                "baseCommand can name a program to read it, e.g. sh or python3."
            )
        raise WorkflowException(
            f"The command '{name}' was not found: it is not installed where commands of packages look{self._beside()}."
        )

    def _beside(self) -> str:
        """Where a command was looked for too: of a tool whose image is a local folder."""
        image, _ = self.get_requirement("DockerRequirement")
        if image is None or self.lacks:
            return ""
        return f", nor in the folder that stands for its image '{image_name(image)}'"

    def _required_env(self) -> dict[str, str]:
        """PATH is the tool's own, if it has one."""
        return {"HOME": self.outdir, "TMPDIR": self.tmpdir}

    def _command(self, argv: list[str], env: MutableMapping[str, str], context: JobContext) -> Command:
        confinement, readable = context.scope.confinement, context.scope.readable
        folder = self._image_folder(confinement)
        is_root = bool(folder) and os.path.isdir(os.path.join(folder, "usr"))
        if is_root and confinement.kind == NONE:
            raise WorkflowException(
                f"The image is mapped to '{folder}', a root, which only works with sandbox.kind=bubblewrap."
            )
        check_network(self.networkaccess, confinement)
        path = env.get("PATH", _ROOT_PATH) if is_root else environment_path(folder, env.get("PATH", ""))
        if folder and not is_root:
            readable = (*readable, folder)
            argv = in_environment(argv, self._programs(argv, context), folder)
        return Command(
            argv=argv,
            folder=self.outdir,
            environment=dict(env) | {"PATH": path},
            readable=readable,
            writable=(self.outdir, self.tmpdir),
            mounts=tuple(self.staging.mounts),
            network=self.networkaccess,
            root=folder if is_root else "",
        )

    def _programs(self, argv: list[str], context: JobContext) -> int:
        """How many words of a command may be programs of the tool's image.

        Those of its baseCommand; without one the first word, unless that is a file of the job.
        """
        words = len(aslist(self.document.get("baseCommand") or []))
        if words:
            return words
        return 0 if argv[0].startswith(f"{context.scope.workdir}/") else 1

    def _image_folder(self, confinement: Confinement) -> str:
        """The local folder for the image that the tool asks for; empty: none."""
        image, _ = self.get_requirement("DockerRequirement")
        return find_folder(confinement.images, image_name(image)) if image else ""
