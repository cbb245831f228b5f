"""Command line tools whose commands run confined, or in containers."""

import logging
from collections.abc import Generator

from cwl_utils.types import CWLObjectType
from cwltool.builder import Builder
from cwltool.command_line_tool import CallbackJob, CommandLineTool
from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.utils import OutputCallbackType

from weaver_like.runners.cwl.execution.container import ContainerJob
from weaver_like.runners.cwl.execution.job import RUNNING, ConfinedJob, JobContext
from weaver_like.runners.cwl.execution.resources import select
from weaver_like.sandbox.commands import DOCKER, PODMAN
from weaver_like.sandbox.containers import ContainerTrouble

log = logging.getLogger("cwltool")  # what goes there is in the log of the job
#: Images of hints that were looked for in vain: each step of a job would wait for the same. A job has an OS process of its own.
_NOT_TO_BE_HAD: set[str] = set()


class ConfinedTool(CommandLineTool):
    """A tool whose image, if it wants one, is stood for by a local folder, or run by an engine."""

    def job(
        self,
        job_order: CWLObjectType,
        output_callbacks: OutputCallbackType,
        runtimeContext: JobContext,
    ) -> Generator[JobBase | CallbackJob, None, None]:
        context = runtimeContext.copy()
        context.use_container = self._in_container(context)
        try:
            for job in super().job(job_order, output_callbacks, context):
                job.node, job.document = runtimeContext.node, self.tool
                yield job
        except WorkflowException as error:
            runtimeContext.node.begin()
            runtimeContext.node.fail(f"could not be started: {error}")
            raise

    def _in_container(self, context: JobContext) -> bool:
        """Raises: WorkflowException, if there must be a container, and there is no image for it."""
        image, required = self.get_requirement("DockerRequirement")
        confinement, default = context.confinement, context.containers.image
        if confinement.kind in (DOCKER, PODMAN):
            if image is None and not default:
                raise WorkflowException(
                    f"The tool names no image, and there is no other one (sandbox.kind={confinement.kind}, sandbox.image is empty)."
                )
            if image is None:
                self.hints.insert(0, {"class": "DockerRequirement", "dockerPull": default})
            return True
        if image is None or str(image.get("dockerPull") or image.get("dockerImageId")) in confinement.images:
            return False
        return bool(required) or self._is_to_be_had(image, context)

    def _is_to_be_had(self, image: dict, context: JobContext) -> bool:
        """Of an image that is only a hint: without an engine, or where it cannot be pulled from, the command does without."""
        engine, name = context.containers.find(), str(image.get("dockerPull") or image.get("dockerImageId") or "")
        if engine is None or not name or name.startswith("-") or name in _NOT_TO_BE_HAD:
            return False
        try:
            with RUNNING:
                engine.need_image(name, context.containers.pull and "dockerPull" in image)
        except ContainerTrouble as error:
            _NOT_TO_BE_HAD.add(name)
            log.warning("The image is a hint, and the command runs without: %s", error)
            return False
        return True

    def evalResources(self, builder: Builder, runtimeContext: RuntimeContext) -> dict[str, int | float]:
        stated, _ = self.get_requirement("ResourceRequirement")
        allowed = runtimeContext.allowed
        context = runtimeContext.copy()
        context.select_resources = lambda request, _context: select(request, set(stated or ()), allowed)
        return super().evalResources(builder, context)

    def make_job_runner(self, runtimeContext: RuntimeContext) -> type[JobBase]:
        return ContainerJob if runtimeContext.use_container else ConfinedJob
