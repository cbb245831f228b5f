"""Steps that run processes of this server: each is a job of its own, which the run waits for."""

import threading
from collections.abc import Generator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from cwl_utils.types import CWLObjectType
from cwltool.command_line_tool import ExpressionJob
from cwltool.context import RuntimeContext
from cwltool.process import Process, shortname
from cwltool.utils import OutputCallbackType, normalizeFilesDirs

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.fileobjects import FileObject, is_object
from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput, RunProcess
from weaver_like.domain.step import StepStatus
from weaver_like.runners.cwl.data.outputs import told_value
from weaver_like.runners.cwl.execution.context import eval_lock, job_context
from weaver_like.runners.cwl.execution.steps import Node
from weaver_like.runners.cwl.types import CwlType, Document, items_of, options_of
from weaver_like.schemas.jsontext import dumps


class ProcessTool(Process):
    """Made of a document that `ServerProcesses` gave."""

    def job(
        self, job_order: CWLObjectType, output_callbacks: OutputCallbackType | None, runtimeContext: RuntimeContext
    ) -> Generator["ProcessJob", None, None]:
        builder = self._init_job(job_order, runtimeContext)
        job = ProcessJob(builder, "", output_callbacks, self.requirements, self.hints)
        job.tool = self.tool
        job.node = job_context(runtimeContext).node
        yield job


class ProcessJob(ExpressionJob):
    """One run of it; like an expression, it takes a thread and nothing else of what commands share."""

    tool: Document
    node: Node

    def run(self, runtimeContext: RuntimeContext, tmpdir_lock: "threading.Lock | None" = None) -> None:
        self.node.begin()
        outputs: CWLObjectType = {}
        status = "permanentFail"
        process_id = self.tool["process"]["id"]
        scope = job_context(runtimeContext).scope
        try:
            given = self._given(Path(runtimeContext.create_outdir()))
            found = scope.run_process(self._wanted(given), self.node.runs_as)
        except RunFailed as error:
            self.node.fail(f"The process '{process_id}' failed: {error.detail}")
        else:
            outputs = self._outputs(found, Path(runtimeContext.create_outdir()))
            self.node.end(StepStatus.SUCCESSFUL)
            status = "success"
        if self.output_callback:
            with eval_lock(runtimeContext):
                self.output_callback(outputs, status)

    def _given(self, folder: Path) -> dict[str, RunOutput]:
        """The inputs; those without a value are left to the process. folder: for files that are only contents."""
        order = cast(Mapping[str, Any], self.builder.job)
        return {name: told_value(value, folder / name) for name, value in order.items() if value is not None}

    def _wanted(self, given: dict[str, RunOutput]) -> RunProcess:
        process = self.tool["process"]
        deployed = process["deployed"]
        return RunProcess(
            step=self.node.step,
            process_id=process["id"],
            version=process["version"],
            deployed=datetime.fromisoformat(deployed) if deployed else None,
            inputs=given,
        )

    def _outputs(self, found: Mapping[str, RunOutput], folder: Path) -> CWLObjectType:
        """Of each output its value; null, where the process gave none."""
        outputs: Document = {}
        for port in self.tool["outputs"]:
            name = shortname(port["id"])
            if name in found:
                outputs[name] = _value(found[name], port["type"], folder / name)
            else:
                outputs[name] = None
        normalizeFilesDirs(outputs)
        return outputs


def _value(output: RunOutput, kind: CwlType, folder: Path) -> Any:
    """An output as CWL has it. folder: for a value that is described as a file."""
    match output:
        case OutputArray(items):
            inner = items_of(kind) or kind
            return [_value(item, inner, folder / str(number)) for number, item in enumerate(items)]
        case OutputFile(path, _, format_uri):
            return _file(Path(path)) | ({"format": format_uri} if format_uri else {})
        case OutputValue(value, files):
            for *steps, last in files:
                part: Any = value
                for step in steps:
                    part = part[step]
                part[last] = Path(part[last]).as_uri()
            if options_of(kind) == ["File"] and not is_object(value):
                return _file(_written(value, folder))
            return value


def _file(path: Path) -> FileObject:
    return {"class": "File", "location": path.as_uri(), "basename": path.name, "size": path.stat().st_size}


def _written(value: object, folder: Path) -> Path:
    """A text as it is, all else as JSON."""
    folder.mkdir(parents=True)
    if isinstance(value, str):
        path = folder / "value.txt"
        path.write_text(value, "utf-8")
    else:
        path = folder / "value.json"
        path.write_bytes(dumps(value))
    return path
