"""Workflows and expressions whose steps are seen."""

import copy
import threading
from collections.abc import Generator
from functools import partial
from typing import cast

from cwl_utils.types import CWLObjectType
from cwltool.command_line_tool import ExpressionJob, ExpressionTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.cwlprov.provenance_profile import ProvenanceProfile
from cwltool.errors import WorkflowException
from cwltool.process import shortname
from cwltool.utils import JobsGeneratorType, OutputCallbackType, normalizeFilesDirs
from cwltool.workflow import Workflow, WorkflowStep
from cwltool.workflow_job import WorkflowJob, WorkflowJobStep
from ruamel.yaml.comments import CommentedMap

from weaver_like.domain.step import StepStatus
from weaver_like.runners.cwl.execution.context import PackageContext, eval_lock, job_context
from weaver_like.runners.cwl.execution.steps import Node


class SeenWorkflow(Workflow):
    """The node of its context is what its steps are a part of."""

    def make_workflow_step(
        self,
        toolpath_object: CommentedMap,
        pos: int,
        loadingContext: LoadingContext,
        parentworkflowProv: ProvenanceProfile | None = None,
    ) -> WorkflowStep:
        """A `run` that names a process of the server is one, as if its document were embedded."""
        run = toolpath_object["run"]
        if isinstance(run, str) and isinstance(loadingContext, PackageContext):
            found = loadingContext.processes.find(run)
            if found is not None:
                toolpath_object = copy.copy(toolpath_object)
                toolpath_object["run"] = found
        return super().make_workflow_step(toolpath_object, pos, loadingContext, parentworkflowProv)

    def job(
        self, job_order: CWLObjectType, output_callbacks: OutputCallbackType, runtimeContext: RuntimeContext
    ) -> JobsGeneratorType:
        builder = self._init_job(job_order, runtimeContext)
        job = SeenWorkflowJob(self, runtimeContext)
        yield job
        context = runtimeContext.copy()
        context.part_of = f"workflow {job.name}"
        context.toplevel = False
        yield from job.job(builder.job, output_callbacks, context)


class SeenWorkflowJob(WorkflowJob):
    """One run of a workflow."""

    def __init__(self, workflow: Workflow, runtimeContext: RuntimeContext):
        super().__init__(workflow, runtimeContext)
        node = job_context(runtimeContext).node
        node.begin()
        # cwltool shuffles the steps that it made of these.
        self.nodes = {step["id"]: node.add(shortname(step["id"])) for step in workflow.tool["steps"]}
        self.steps: list[WorkflowJobStep] = [SeenStep(step) for step in workflow.steps]

    def try_make_job(
        self, step: WorkflowJobStep, final_output_callback: OutputCallbackType, runtimeContext: RuntimeContext
    ) -> JobsGeneratorType:
        context = job_context(runtimeContext).copy()
        node = context.node = self.nodes[step.id]
        try:
            yield from super().try_make_job(step, final_output_callback, context)
        except WorkflowException as error:
            node.fail(str(error))
            raise
        if step.completed and not node.step.status.ended:
            node.fail("could not be prepared; the log says why")

    def receive_output(
        self,
        step: WorkflowJobStep,
        outputparms: list[CWLObjectType],
        final_output_callback: OutputCallbackType,
        jobout: CWLObjectType,
        processStatus: str,
    ) -> None:
        ids = [str(port["id"]) for port in outputparms]
        self.nodes[step.id].finish(processStatus, [shortname(name) for name in ids if name not in jobout])
        super().receive_output(step, outputparms, final_output_callback, jobout, processStatus)


class SeenStep(WorkflowJobStep):
    """A step of a workflow's run.

    A scattered one is asked for a job of each item, in order, before any of them runs.
    """

    def job(
        self, joborder: CWLObjectType, output_callback: OutputCallbackType, runtimeContext: RuntimeContext
    ) -> JobsGeneratorType:
        node = job_context(runtimeContext).node.item
        if node is None:
            return super().job(joborder, output_callback, runtimeContext)
        context = job_context(runtimeContext).copy()
        context.node = node
        return self._item(node, super().job(joborder, partial(_ended, node, output_callback), context))

    @staticmethod
    def _item(node: Node, jobs: JobsGeneratorType) -> JobsGeneratorType:
        try:
            yield from jobs
        except WorkflowException as error:
            node.fail(str(error))
            raise


def _ended(node: Node, output_callback: OutputCallbackType, outputs: CWLObjectType | None, status: str) -> None:
    node.finish(status)
    output_callback(outputs, status)


class SeenExpressionTool(ExpressionTool):
    """An expression is a step as a command is."""

    def job(
        self, job_order: CWLObjectType, output_callbacks: OutputCallbackType | None, runtimeContext: RuntimeContext
    ) -> Generator[ExpressionJob, None, None]:
        builder = self._init_job(job_order, runtimeContext)
        job = SeenExpression(builder, self.tool["expression"], output_callbacks, self.requirements, self.hints)
        job.node = job_context(runtimeContext).node
        yield job


class SeenExpression(ExpressionJob):
    """One evaluation."""

    node: Node

    def run(self, runtimeContext: RuntimeContext, tmpdir_lock: "threading.Lock | None" = None) -> None:
        self.node.begin()
        outputs: CWLObjectType = {}
        status = "permanentFail"
        try:
            normalizeFilesDirs(self.builder.job)
            value = self.builder.do_eval(self.script)
            normalizeFilesDirs(value)
        except WorkflowException as error:
            self.node.fail(f"could not be evaluated: {error}")
        else:
            self.node.end(StepStatus.SUCCESSFUL)
            outputs = cast(CWLObjectType, value)  # as ExpressionTool wants it; cwltool looks at it later
            status = "success"
        if self.output_callback:
            with eval_lock(runtimeContext):
                self.output_callback(outputs, status)
