"""Runs Python functions declared with `weaver_like.authoring`."""

import signal
from pathlib import Path

from weaver_like.authoring.call import call
from weaver_like.authoring.context import Context, InputError, cancel_by_exception
from weaver_like.authoring.load import declarations, load_module
from weaver_like.domain.messages import Blame, Done
from weaver_like.runners.answers import ChildWire
from weaver_like.runners.base import ChildRun
from weaver_like.sandbox.messages import ChildRequest, RunJob


class PythonRun(ChildRun[RunJob]):
    """Runs one function. target: {"module": name, or "path": file or folder; "name": id of the process}."""

    def run(self) -> Done:
        target = self.task.target
        declaration = declarations(load_module(target))[target["name"]]
        context = Context(Path(self.request.workdir), self.task.job_id, self.task.outputs, self.send, self.ask)
        if declaration.context_parameter:
            context.watch_signals()
        else:
            signal.signal(signal.SIGTERM, cancel_by_exception)
        return Done(call(declaration, self.task.inputs, context))

    def blame(self, error: BaseException) -> Blame | None:
        if not isinstance(error, InputError):
            return None
        name = str(error.input) if error.input else None
        return Blame(name, str(error))


def run_in_child(request: ChildRequest, channel: ChildWire) -> int:
    """Called by the zygote after the fork."""
    assert isinstance(request.task, RunJob)
    return PythonRun(request, request.task, channel).serve()
