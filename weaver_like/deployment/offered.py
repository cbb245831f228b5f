"""`OfferedProcesses`: what packages are told of the processes of this server that their steps name."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from weaver_like.domain.errors import NoSuchProcess, ServerBusy
from weaver_like.domain.messages import ProcessDescribed, RequestRefused
from weaver_like.domain.process import Process
from weaver_like.processes.catalog import Catalog

#: Reference -> answer to `DescribeProcess`.
Describe = Callable[[str], ProcessDescribed | RequestRefused]


def describe_nothing(reference: str) -> RequestRefused:
    """Of a server without processes."""
    return RequestRefused(f"There is no process '{reference[:100]}'.")


@dataclass(frozen=True, slots=True)
class OfferedProcesses:
    """Any thread may call."""

    catalog: Catalog

    def describe(self, reference: str) -> ProcessDescribed | RequestRefused:
        """reference: an id, `id:version`, or the URL of a process, whose server is known to be this one."""
        name = reference
        if "/" in reference:
            name = unquote(urlsplit(reference).path.rstrip("/").rpartition("/")[2])
        try:
            process = self.catalog.get(name).process
        except (NoSuchProcess, ServerBusy) as error:
            return RequestRefused(error.detail)
        return _described(process)


def _described(process: Process) -> ProcessDescribed:
    """A deployed process is kept as it is now: who replaces it does not change what runs it."""
    return ProcessDescribed(
        process.id,
        process.version if process.mutable else None,
        process.deployed if process.mutable else None,
        tuple(process.inputs.values()),
        tuple(process.outputs.values()),
        tuple(process.unit.target.get("runs", ())),
    )
