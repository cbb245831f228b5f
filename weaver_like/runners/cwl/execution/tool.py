"""Command line tools whose commands run confined, or in containers."""

import logging
import math
from collections.abc import Generator, Iterator, Mapping
from decimal import Decimal
from typing import Any

from cwl_utils.types import CWLObjectType
from cwltool.builder import Builder
from cwltool.command_line_tool import CallbackJob, CommandLineTool
from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.utils import OutputCallbackType

from weaver_like.runners.cwl.document.secrets import secret_inputs
from weaver_like.runners.cwl.execution.command import AttendedJob
from weaver_like.runners.cwl.execution.confined import ConfinedJob
from weaver_like.runners.cwl.execution.container import ContainerJob
from weaver_like.runners.cwl.execution.context import JobContext, RunScope, job_context
from weaver_like.runners.cwl.execution.images import image_name, is_name, why_not_pulled
from weaver_like.runners.cwl.execution.resources import Resources, select
from weaver_like.runners.cwl.execution.running import RUNNING
from weaver_like.sandbox.commands import DOCKER, PODMAN
from weaver_like.sandbox.containers import ContainerTrouble
from weaver_like.sandbox.images import find_folder

log = logging.getLogger("cwltool")  # what goes there is in the log of the job
#: Images of hints that were not available: each step of a job would wait for the same. A job has an OS process of
#: its own.
_UNAVAILABLE: set[str] = set()


class _DecimalBuilder(Builder):
    """Writes numbers on command lines in one way, whatever the document or the request looked like.

    Source: CWL v1.2, CommandLineTool.html, "CommandLineBinding": the decimal representation.
    """

    def tostr(self, value: Any) -> str:
        if not isinstance(value, float) or not math.isfinite(value):
            return super().tostr(value)
        whole, point, fraction = format(Decimal(repr(float(value))), "f").partition(".")
        fraction = fraction.rstrip("0")
        return whole + (point + fraction if fraction else "")


class ConfinedTool(CommandLineTool):
    """A tool whose image, if it names one, is replaced by a local folder, or run by an engine."""

    def job(
        self,
        job_order: CWLObjectType,
        output_callbacks: OutputCallbackType,
        runtimeContext: RuntimeContext,
    ) -> Generator[JobBase | CallbackJob, None, None]:
        context = job_context(runtimeContext).copy()
        node = context.node
        context.use_container = self._in_container(context.scope)
        try:
            for job in super().job(job_order, output_callbacks, context):
                if isinstance(job, AttendedJob):
                    self._prepare(job, context)
                yield job
        except WorkflowException as error:
            node.begin()
            node.fail(f"could not be started: {error}")
            raise

    def _init_job(self, joborder: CWLObjectType, runtime_context: RuntimeContext) -> Builder:
        builder = super()._init_job(joborder, runtime_context)
        builder.__class__ = _DecimalBuilder  # cwltool makes its builders itself, and asks nobody of which class
        return builder

    def _in_container(self, scope: RunScope) -> bool:
        """Raises: WorkflowException, if there must be a container, and there is no image for it."""
        image, required = self.get_requirement("DockerRequirement")
        kind = scope.confinement.kind
        if kind in (DOCKER, PODMAN):
            if image is None:
                self._use_image(scope.containers.image, kind)
            return True
        if image is None or find_folder(scope.confinement.images, image_name(image)):
            return False
        return bool(required) or _is_available(image, scope)

    def _use_image(self, image: str, kind: str) -> None:
        """Of a tool that names none. image: that of the operator."""
        if not image:
            raise WorkflowException(
                f"The tool names no image, and there is no default one (sandbox.kind={kind}, sandbox.image is empty)."
            )
        self.hints.insert(0, {"class": "DockerRequirement", "dockerPull": image})

    def _prepare(self, job: AttendedJob, context: JobContext) -> None:
        """Tell a job what it needs to know of its tool, and the run which of its values are secret."""
        scope = context.scope
        job.node = context.node
        job.document = self.tool
        job.lacks = tuple(self._lacks(job, context))
        job.networkaccess = job.networkaccess and (scope.confinement.network or self._needs_network())
        scope.secrets.add(*(job.joborder.get(name) for name in secret_inputs(self)))

    def _lacks(self, job: AttendedJob, context: JobContext) -> Iterator[str]:
        """Yield a sentence for what the tool only hints at, and does without here."""
        confinement = context.scope.confinement
        image, _ = self.get_requirement("DockerRequirement")
        name = image_name(image or {})
        if image is not None and not context.use_container and not find_folder(confinement.images, name):
            which = f"the image '{name}'" if name else "an image"
            yield f"It ran without {which}, at which the tool only hints"
        if job.networkaccess and not confinement.network and not self._needs_network():
            yield "It ran without a network (sandbox.network=false)"

    def _needs_network(self) -> bool:
        """False for a hint, which is what cwltool gives tools of CWL v1.0: they cannot say whether they need one."""
        _, required = self.get_requirement("NetworkAccess")
        return bool(required)

    def evalResources(self, builder: Builder, runtimeContext: RuntimeContext) -> Resources:
        stated, _ = self.get_requirement("ResourceRequirement")
        names = set(stated or ())
        allowed = job_context(runtimeContext).scope.allowed
        context = runtimeContext.copy()
        context.select_resources = lambda request, _context: select(request, names, allowed)
        return super().evalResources(builder, context)

    def make_job_runner(self, runtimeContext: RuntimeContext) -> type[JobBase]:
        return ContainerJob if runtimeContext.use_container else ConfinedJob


def _is_available(image: Mapping[str, Any], scope: RunScope) -> bool:
    """Of an image that is only a hint: where no engine has it or can pull it, the command runs without."""
    name = image_name(image)
    engine = scope.containers.find()
    if engine is None or not is_name(name) or name in _UNAVAILABLE:
        return False
    try:
        with RUNNING:
            engine.need_image(name, why_not_pulled(image, scope.containers))
    except ContainerTrouble as error:
        _UNAVAILABLE.add(name)
        log.warning("The image is a hint, and the command runs without it: %s", error)
        return False
    return True
