"""`ServerProcesses`: processes of this server that steps of a package run."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urldefrag, urlsplit

from ruamel.yaml.comments import CommentedMap
from schema_salad.exceptions import ValidationException
from schema_salad.sourceline import cmap

from weaver_like.domain.messages import ProcessDescribed
from weaver_like.runners.cwl.document.ports import input_port, output_port
from weaver_like.runners.cwl.types import Document

#: Class of the documents of such steps; the schemas of CWL know none of that name, so no package can have one.
PROCESS = "Process"
#: An id, or `id:version`.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(:[A-Za-z0-9][A-Za-z0-9._+-]{0,127})?")
_REMOTE = ("http", "https")
#: Reference -> the process; None, if there is none. Raises: ValidationException.
Describe = Callable[[str], ProcessDescribed | None]


class ServerProcesses:
    """Processes by the references that documents of one package name them with.

    Args:
        root: folder of the package, whose files go before.
        known: reference -> what `render` gave.
        describe: asks the server for a process; None: only what is known is found.
        server: URL of this server; empty: not known, nor needed for what is known.
    Attributes:
        spelt: URL -> how a document wrote it, filled by who reads them.
        runs: ids of the processes that were found, and of those that their own steps run.
    """

    def __init__(
        self,
        root: Path,
        known: Mapping[str, Document] | None = None,
        describe: Describe | None = None,
        server: str = "",
    ):
        self.spelt: dict[str, str] = {}
        self.known = dict(known or {})
        self.runs: set[str] = set()
        self._root = root
        self._describe = describe
        self._server = server.rstrip("/")

    def find(self, run: str) -> CommentedMap | None:
        """The document of a step whose `run`, resolved, is not one of the package but a process of the server.

        Raises: ValidationException.
        """
        name = self._name(run)
        if name and name not in self.known and self._describe is not None:
            self._ask(name, self._describe)
        found = self.known.get(name)
        return None if found is None else _document(run, found)

    def _ask(self, name: str, describe: Describe) -> None:
        described = describe(name)
        if described is not None:
            self.known[name] = render(described)
            self.runs |= {described.process_id, *described.runs}
        elif "/" in name:
            raise ValidationException(f"'{name}' is no process of this server.")

    def _name(self, run: str) -> str:
        """The reference to a process that may be meant; empty if it can only be a document."""
        url, fragment = urldefrag(run)
        parts = urlsplit(url)
        if fragment:
            return ""
        if parts.scheme in _REMOTE:
            is_own = bool(self._server) and url.startswith(f"{self._server}/processes/")
            return url if is_own or url in self.known else ""
        if parts.scheme != "file":
            return url if _NAME.fullmatch(url) else ""
        path, name = Path(unquote(parts.path)), self.spelt.get(url, "")
        is_inside = path.is_relative_to(self._root) and not path.exists()
        return name if is_inside and _NAME.fullmatch(name) else ""


def render(described: ProcessDescribed) -> Document:
    """A process as a revision keeps it, for its runs (JSON)."""
    return {
        "id": described.process_id,
        "version": described.version,
        "deployed": described.deployed and described.deployed.isoformat(),
        "inputs": [input_port(port) for port in described.inputs],
        "outputs": [output_port(port) for port in described.outputs],
    }


def _document(run: str, found: Document) -> CommentedMap:
    """As cwltool has documents that were read and resolved."""

    def ports(member: str) -> list[dict[str, Any]]:
        return [{"id": f"{run}#{port['id']}", "type": port["type"]} for port in found[member]]

    document = {
        "class": PROCESS,
        "id": run,
        "inputs": ports("inputs"),
        "outputs": ports("outputs"),
        "process": {name: found[name] for name in ("id", "version", "deployed")},
    }
    return cast(CommentedMap, cmap(document))
