"""Process descriptions as they pass between OS processes, and are stored."""

from dataclasses import asdict
from typing import Any

from weaver_like.domain.process import ExecutionUnit, InputDescription, JobControl, OutputDescription, Process


def render_stored(process: Process) -> dict[str, Any]:
    """The fields of `Process`, for JSON, as `parse_stored` reads them."""
    return asdict(process)


def parse_stored(document: dict[str, Any]) -> Process:
    """Read a description as it passes between OS processes, and is stored: the fields of `Process`."""
    typed = {
        "unit": ExecutionUnit(**document["unit"]),
        "job_control": tuple(JobControl(option) for option in document["job_control"]),
        "inputs": {name: InputDescription(**_with_tuples(entry)) for name, entry in document["inputs"].items()},
        "outputs": {name: OutputDescription(**_with_tuples(entry)) for name, entry in document["outputs"].items()},
    }
    return Process(**(_with_tuples(document) | typed))


def _with_tuples(entry: dict[str, Any]) -> dict[str, Any]:
    """JSON has arrays where the domain has tuples."""
    return entry | {"keywords": tuple(entry.get("keywords", ())), "metadata": tuple(entry.get("metadata", ()))}
