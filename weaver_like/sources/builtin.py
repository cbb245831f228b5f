"""Processes shipped with the service; trusted code, so it is described without a child."""

from collections.abc import Hashable, Iterator, Sequence

from weaver_like.authoring.load import describe
from weaver_like.domain.process import Plugin, Process
from weaver_like.sources.base import Source


class BuiltinSource(Source):
    """modules: dotted names below `weaver_like.builtin`.  runner: kind of the runner of Python functions."""

    name = "builtin"

    def __init__(self, modules: Sequence[str], runner: str):
        self._modules = tuple(modules)
        self._runner = runner

    def signature(self) -> Hashable:
        return self._modules

    def is_current(self, process: Process) -> bool:
        return True

    def collect(self) -> Iterator[Plugin]:
        for name in self._modules:
            processes = (process.run_by(self._runner) for process in describe({"module": name}))
            yield Plugin(name.rpartition(".")[2], tuple(processes))
