"""What is allowed in CWL, and yet hardly what its author meant: told when a package is deployed, not when its jobs fail."""

from collections.abc import Iterator

from cwltool.process import Process, shortname


def doubts_of(process: Process) -> list[str]:
    """One sentence for each, of all tools of the package."""
    found: list[str] = []

    def visit(document: dict) -> None:
        if document.get("class") == "CommandLineTool":
            found.extend(
                f"Tool '{shortname(document['id'])}': {text}"
                for text in (*_of_command(document), *_of_outputs(document))
            )

    process.visit(visit)
    return found


def _of_command(tool: dict) -> Iterator[str]:
    if tool.get("baseCommand") or tool.get("arguments"):
        return
    if not any(_has_binding(port) for port in tool["inputs"]):
        yield "it has no baseCommand and no arguments, so there is no command to run."
    else:
        yield "it has no baseCommand and no arguments, so its first input is taken for the command."


def _of_outputs(tool: dict) -> Iterator[str]:
    for port in tool["outputs"]:
        if "outputBinding" not in port and port["type"] in ("File", "Directory"):
            yield f"output '{shortname(port['id'])}' has no outputBinding, so only a file cwl.output.json of the command can give it."


def _has_binding(value: object) -> bool:
    """Of the port itself, or of something inside of its type."""
    if isinstance(value, dict):
        return "inputBinding" in value or any(_has_binding(value.get(part)) for part in ("type", "items", "fields"))
    return isinstance(value, list) and any(map(_has_binding, value))
