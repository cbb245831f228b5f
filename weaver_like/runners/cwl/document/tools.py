"""A walk through the processes of a package."""

from collections.abc import Iterator

from cwltool.process import Process
from cwltool.workflow import Workflow


def processes_of(process: Process) -> Iterator[Process]:
    """Yield a process, and those of its steps at any depth; each knows the requirements that it inherits."""
    yield process
    if isinstance(process, Workflow):
        for step in process.steps:
            yield from processes_of(step.embedded_tool)
