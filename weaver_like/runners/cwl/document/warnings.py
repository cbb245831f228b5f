"""What CWL allows, but its author hardly meant: told when a package is deployed, not when its jobs fail."""

from collections.abc import Iterator

from cwltool.process import Process, shortname
from cwltool.utils import aslist

from weaver_like.runners.cwl.document.formats import formats_of, media_type_of_format
from weaver_like.runners.cwl.document.secrets import SECRETS, named_secrets
from weaver_like.runners.cwl.types import Document

_CWLTOOL = "http://commonwl.org/cwltool#"
#: Names of somebody else's, of hints that are followed: by this server, or by cwltool.
_FOLLOWED = (SECRETS, f"{_CWLTOOL}CUDARequirement", f"{_CWLTOOL}MPIRequirement")


def warnings_of(process: Process) -> list[str]:
    """One sentence for each, of all processes of the package, and of what is described of it."""
    namespaces = process.metadata.get("$namespaces")
    prefixes = {str(uri): prefix for prefix, uri in namespaces.items()} if isinstance(namespaces, dict) else {}
    found = list(_of_formats(process.tool))

    def visit(document: Document) -> None:
        name = shortname(document["id"])
        kind = "Workflow" if document["class"] == "Workflow" else "Tool"
        texts = [*_of_hints(document, prefixes), *_of_secrets(document)]
        if document["class"] == "CommandLineTool":
            texts += [*_of_command(document), *_of_outputs(document)]
        found.extend(f"{kind} '{name}': {text}" for text in texts)
        for step in document.get("steps") or ():
            step_name = shortname(step["id"])
            found.extend(f"Step '{step_name}': {text}" for text in _of_hints(step, prefixes))

    process.visit(visit)
    return found


def _of_formats(document: Document) -> Iterator[str]:
    for section in ("inputs", "outputs"):
        for port in document[section]:
            for uri in formats_of(port):
                if media_type_of_format(uri) is None:
                    yield (
                        f"{section[:-1].capitalize()} '{shortname(port['id'])}': the media type of the format '{uri}' "
                        "is not known here; it is described as application/octet-stream with that format."
                    )


def _of_hints(document: Document, prefixes: dict[str, str]) -> Iterator[str]:
    """Of hints that change nothing; those whose class has neither a prefix nor a URI are told by cwltool.

    prefixes: URI -> prefix by which the package writes it.
    """
    for hint in document.get("hints") or ():
        kind = str(hint.get("class"))
        if kind == "SoftwareRequirement":
            yield f"its hint '{kind}' is not followed here: nothing is installed for it."
        elif "://" in kind and not kind.startswith("file:") and kind not in _FOLLOWED:
            yield f"its hint '{_prefixed(kind, prefixes)}' is not understood here, and changes nothing."


def _prefixed(kind: str, prefixes: dict[str, str]) -> str:
    for uri, prefix in prefixes.items():
        if kind.startswith(uri):
            return f"{prefix}:{kind.removeprefix(uri)}"
    return kind


def _of_secrets(document: Document) -> Iterator[str]:
    ports = {shortname(port["id"]): port["type"] for port in document["inputs"]}
    for name in named_secrets(document):
        if name not in ports:
            yield f"its hint Secrets names '{name}', but there is no such input."
        elif {"File", "Directory"} & set(map(str, aslist(ports[name]))):
            yield f"its input '{name}' is a secret, but what is in a file is not masked: only texts and numbers are."


def _of_command(tool: Document) -> Iterator[str]:
    if tool.get("baseCommand") or tool.get("arguments"):
        return
    if any(_has_binding(port) for port in tool["inputs"]):
        yield "it has no baseCommand and no arguments, so its first input is taken for the command."
    else:
        yield "it has no baseCommand and no arguments, so there is no command to run."


def _of_outputs(tool: Document) -> Iterator[str]:
    for port in tool["outputs"]:
        if "outputBinding" not in port and port["type"] in ("File", "Directory"):
            name = shortname(port["id"])
            yield f"output '{name}' has no outputBinding, so only a file cwl.output.json of the command can give it."


def _has_binding(value: object) -> bool:
    """Of the port itself, or of something inside of its type."""
    if isinstance(value, dict):
        return "inputBinding" in value or any(_has_binding(value.get(part)) for part in ("type", "items", "fields"))
    return isinstance(value, list) and any(map(_has_binding, value))
