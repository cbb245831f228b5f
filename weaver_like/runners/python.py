"""Runs Python functions declared with `weaver_like.authoring`."""

import signal
from pathlib import Path
from socket import socket

from weaver_like.authoring.call import call
from weaver_like.authoring.context import Context, InputError, cancel_by_exception
from weaver_like.authoring.load import declarations, load_module
from weaver_like.runners.base import ChildRun


class PythonRun(ChildRun):
    """request: {"target": {"module" | "path", "name"}, "inputs", "outputs", "workdir", "job"}."""

    def run(self) -> dict:
        target = self.request["target"]
        declaration = declarations(load_module(target))[target["name"]]
        context = Context(
            Path(self.request["workdir"]), self.request["job"], self.request["outputs"], self.tell, self.ask
        )
        if declaration.context_parameter:
            context.watch_signals()
        else:
            signal.signal(signal.SIGTERM, cancel_by_exception)
        return call(declaration, self.request["inputs"], context)

    def blame(self, error: BaseException) -> dict | None:
        return {"input": error.input, "detail": str(error)} if isinstance(error, InputError) else None


def run_in_child(request: dict, channel: socket) -> int:
    """Called by the zygote after the fork."""
    return PythonRun(request, channel).serve()
