"""What CWL allows, but its author hardly meant: told when a package is deployed, not when its jobs fail."""

from collections.abc import Iterator

from cwltool.process import Process, shortname

from weaver_like.runners.cwl.types import Document


def warnings_of(process: Process) -> list[str]:
    """One sentence for each, of all tools of the package."""
    found: list[str] = []

    def visit(document: Document) -> None:
        if document.get("class") == "CommandLineTool":
            name = shortname(document["id"])
            texts = (*_of_command(document), *_of_outputs(document))
            found.extend(f"Tool '{name}': {text}" for text in texts)

    process.visit(visit)
    return found


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
