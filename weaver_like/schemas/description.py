"""Process descriptions as they pass between OS processes, and are stored."""

from dataclasses import asdict

from weaver_like.domain.process import (
    ExecutionUnit,
    InputDescription,
    JobControl,
    OutputDescription,
    Process,
    Transmission,
)
from weaver_like.schemas.jsontext import JsonObject


def render_stored(process: Process) -> JsonObject:
    """The fields of `Process`, for JSON; `parse_stored` reads them back."""
    return asdict(process)


def parse_stored(document: JsonObject) -> Process:
    """Read what `render_stored` wrote."""
    fields = _with_tuples(document)
    fields["unit"] = ExecutionUnit(**document["unit"])
    fields["job_control"] = tuple(JobControl(option) for option in document["job_control"])
    fields["links"] = tuple(document.get("links", ()))
    if "output_transmission" in document:
        fields["output_transmission"] = tuple(Transmission(mode) for mode in document["output_transmission"])
    fields["inputs"] = {name: InputDescription(**_with_tuples(entry)) for name, entry in document["inputs"].items()}
    fields["outputs"] = {name: OutputDescription(**_with_tuples(entry)) for name, entry in document["outputs"].items()}
    return Process(**fields)


def _with_tuples(described: JsonObject) -> JsonObject:
    keywords, metadata = described.get("keywords", ()), described.get("metadata", ())
    return described | {"keywords": tuple(keywords), "metadata": tuple(metadata)}
