"""Inputs whose values nobody may see: those that the hint `cwltool:Secrets` names.

Source: cwltool, extensions-v1.2.yml, Secrets: "sensitive (such as passwords) which will be deliberately obscured".
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cwltool.process import Process, shortname
from cwltool.utils import aslist
from cwltool.workflow import Workflow

from weaver_like.domain.process import InputDescription
from weaver_like.runners.cwl.types import Document

SECRETS = "http://commonwl.org/cwltool#Secrets"


def secret_inputs(process: Process) -> set[str]:
    """Names of the secret inputs of a process: its own hint names them, or they lead to secret inputs of its steps."""
    found = set(named_secrets(process.tool))
    sources = {port["id"]: shortname(port["id"]) for port in process.tool["inputs"]}
    if isinstance(process, Workflow):
        for step in process.steps:
            inner = secret_inputs(step.embedded_tool) | set(named_secrets(step.tool))
            for port in step.tool["inputs"]:
                if shortname(port["id"]) in inner:
                    found |= {sources[source] for source in aslist(port.get("source") or []) if source in sources}
    return found & set(sources.values())


def named_secrets(document: Document) -> Iterator[str]:
    """Yield what the hint of a document names, whether the document has such an input or not."""
    for hint in document.get("hints") or ():
        if hint.get("class") == SECRETS:
            yield from (str(name).rpartition("#")[2].rpartition("/")[2] for name in aslist(hint.get("secrets") or []))


def marked_secret(inputs: Mapping[str, InputDescription], names: set[str]) -> dict[str, InputDescription]:
    """The same descriptions, of which the secret ones say so.

    Source: OpenAPI 3.0, Schema Object, `writeOnly`; OGC 18-062r2, schema.yaml.
    """
    return {name: _marked(port) if name in names else port for name, port in inputs.items()}


def _marked(port: InputDescription) -> InputDescription:
    schema = {key: value for key, value in port.schema.items() if key != "default"}
    if schema.get("type") == "string":
        schema.setdefault("format", "password")
    return replace(port, schema=schema | {"writeOnly": True})
