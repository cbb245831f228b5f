"""What a run hands from job to job of cwltool."""

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cwl_utils.types import CWLObjectType
from cwltool.context import LoadingContext, RuntimeContext

from weaver_like.domain.masks import Secrets
from weaver_like.domain.messages import RunOutput, RunProcess
from weaver_like.runners.cwl.data.reuse import Reuse
from weaver_like.runners.cwl.document.processes import ServerProcesses
from weaver_like.runners.cwl.execution.resources import Allowed
from weaver_like.runners.cwl.execution.steps import Node
from weaver_like.sandbox.commands import Confinement
from weaver_like.sandbox.containers import Containers
from weaver_like.sandbox.groups import Group

#: How cwltool prepares the inputs of one job of a scattered step; None: that job is skipped.
PrepareItem = Callable[[CWLObjectType], CWLObjectType | None]
#: What a step asks for, and who is told the id of its job -> what that gave. Raises: RunFailed.
RunStep = Callable[[RunProcess, Callable[[str], None]], Mapping[str, RunOutput]]


@dataclass(frozen=True, slots=True)
class RunScope:
    """What all commands of a run have in common.

    Args:
        workdir: of this run.
        readable: what commands may read beside their own folders: `workdir`, and the folder of the package.
        group: the control groups of the job.
        allowed: processors and memory of all commands together.
        run_process: runs a process of this server for a step.
        reuse: None unless the client asked for it.
        secrets: values that no text may show; steps may add to them.
    """

    workdir: str
    readable: tuple[str, ...]
    confinement: Confinement
    containers: Containers
    group: Group
    allowed: Allowed
    run_process: RunStep
    reuse: Reuse | None = None
    secrets: Secrets = field(default_factory=Secrets)


class PackageContext(LoadingContext):
    """cwltool's context for reading the documents of a package. processes: of the server, which steps may run."""

    def __init__(self, kwargs: dict[str, Any], processes: ServerProcesses):
        self.processes = processes
        super().__init__(kwargs)

    def copy(self) -> "PackageContext":
        return copy.copy(self)


class JobContext(RuntimeContext):
    """cwltool's context with what our jobs need. node: the step that this is about."""

    def __init__(self, kwargs: dict[str, Any], scope: RunScope, node: Node):
        self.scope = scope
        self.node = node
        self._prepare: PrepareItem | None = None
        super().__init__(kwargs)

    def copy(self) -> "JobContext":
        return copy.copy(self)

    @property
    def postScatterEval(self) -> PrepareItem | None:
        """cwltool prepares every job of a scattered step with it, in order, before it asks for the jobs."""
        return self._prepare

    @postScatterEval.setter
    def postScatterEval(self, prepare: PrepareItem | None) -> None:
        if prepare is None:
            self._prepare = None
            return

        def prepare_item(order: CWLObjectType) -> CWLObjectType | None:
            prepared = prepare(order)
            self.node.add_item(skipped=prepared is None)
            return prepared

        self._prepare = prepare_item


def job_context(context: RuntimeContext) -> JobContext:
    """The context as this run made it: cwltool only knows its own kind."""
    if not isinstance(context, JobContext):
        raise TypeError(f"expected a JobContext, got a {type(context).__name__}")
    return context


def eval_lock(context: RuntimeContext) -> threading.Condition:
    """The lock that outputs are told under; the executor makes it."""
    if context.workflow_eval_lock is None:
        raise TypeError("the context has no workflow_eval_lock")
    return context.workflow_eval_lock
