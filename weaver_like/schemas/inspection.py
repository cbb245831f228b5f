"""Inspections of packages: JSON <-> domain, for the way from the child to its parent."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from weaver_like.domain.errors import Fault
from weaver_like.domain.inspection import InspectedProcess, Inspection, Refusal, WantedImage
from weaver_like.domain.process import InputDescription, OutputDescription


def render_inspection(found: Inspection | Refusal) -> dict[str, Any]:
    """A document with the one member `inspection` or `refusal`; `parse_inspection` reads it back, equal."""
    if isinstance(found, Refusal):
        faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in found.faults]
        return {"refusal": {"detail": found.detail, "faults": faults, "missing_process": found.missing_process}}
    return {
        "inspection": {
            "processes": [_render_process(process) for process in found.processes],
            "fetched": found.fetched,
            "remote": found.remote,
            "warnings": list(found.warnings),
            "offered": found.offered,
            "runs": list(found.runs),
        }
    }


def _render_process(process: InspectedProcess) -> dict[str, Any]:
    return {
        "name": process.name,
        "names_itself": process.names_itself,
        "fragment": process.fragment,
        "title": process.title,
        "description": process.description,
        "version": process.version,
        "inputs": [_render_input(port) for port in process.inputs],
        "outputs": [_render_port(port) for port in process.outputs],
        "images": [asdict(image) for image in process.images],
        "keywords": list(process.keywords),
        "metadata": list(process.metadata),
    }


def _render_input(port: InputDescription) -> dict[str, Any]:
    """A document of CWL has defaults of its own, which its runner knows."""
    occurrences = {
        "min_occurs": port.min_occurs,
        "max_occurs": port.max_occurs,
        "may_be_empty": port.may_be_empty,
    }
    return _render_port(port) | occurrences


def _render_port(port: InputDescription | OutputDescription) -> dict[str, Any]:
    """A document of CWL gives its inputs and outputs neither keywords nor metadata."""
    return {"id": port.id, "schema": port.schema, "title": port.title, "description": port.description}


def parse_inspection(document: Mapping[str, Any]) -> Inspection | Refusal:
    """Read what `render_inspection` wrote. Raises: KeyError, TypeError."""
    if "refusal" in document:
        refusal = document["refusal"]
        faults = tuple(Fault(fault["pointer"], fault["detail"]) for fault in refusal["faults"])
        return Refusal(refusal["detail"], faults, refusal["missing_process"])
    found = document["inspection"]
    processes = tuple(_parse_process(process) for process in found["processes"])
    return Inspection(
        processes,
        found["fetched"],
        found["remote"],
        tuple(found["warnings"]),
        found["offered"],
        tuple(found["runs"]),
    )


def _parse_process(document: Mapping[str, Any]) -> InspectedProcess:
    return InspectedProcess(
        document["name"],
        document["names_itself"],
        document["fragment"],
        document["title"],
        document["description"],
        document["version"],
        tuple(InputDescription(**port) for port in document["inputs"]),
        tuple(OutputDescription(**port) for port in document["outputs"]),
        tuple(WantedImage(**image) for image in document["images"]),
        tuple(document["keywords"]),
        tuple(document["metadata"]),
    )
