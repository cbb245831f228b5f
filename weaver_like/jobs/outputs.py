"""`collect_outputs`: what a run left behind -> results."""
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import OCTETS, Format, is_media_type, media_type_of, same_type
from weaver_like.domain.process import Process
from weaver_like.domain.results import Result
from weaver_like.files.area import OutputArea
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.validators import output_media_types


def requested_outputs(process: Process, execution: Execution) -> list[str]:
    """Ids of the outputs that the request wants, in the order of the description.

    Source: /req/core/process-execute-default-outputs, -omitted-outputs, -empty-outputs.
    """
    return [name for name in process.outputs if execution.outputs is None or name in execution.outputs]


def wanted_media_types(process: Process, execution: Execution) -> dict[str, str | None]:
    """Requested output -> media type that the client asked for."""
    asked = execution.outputs or {}
    return {name: asked[name].format.media_type if name in asked else None for name in requested_outputs(process, execution)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a run are, and where they go."""

    area: OutputArea
    job_id: str
    workdir: Path


def collect_outputs(results: list[Result], raw: Mapping[str, dict], process: Process, execution: Execution, place: Place) -> None:
    """Publish the files of the requested outputs and keep the values; other outputs end with the work folder.

    results: is filled, so that the caller knows what was published when this fails half-way.
    raw: output id -> {"value": JSON} | {"path", "mediaType"} | {"items": [such, ...]}.
    Raises: RunFailed, if a file is not where the job said, or an output does not exist in the description.
    """
    unknown = set(raw) - set(process.outputs)
    if unknown:
        raise RunFailed(f"The run gave outputs that the process does not have: {', '.join(sorted(unknown))}.")
    for name in requested_outputs(process, execution):
        if name in raw:
            several = "items" in raw[name]
            offered = output_media_types(process.outputs[name].schema)
            for number, entry in enumerate(raw[name]["items"] if several else [raw[name]]):
                results.append(_collect(name, entry, number if several else None, offered, place))


def _collect(name: str, entry: dict, index: int | None, offered: list[str], place: Place) -> Result:
    if "path" not in entry:
        value = entry["value"]
        return Result(name, value, None, Format(offered[0] if offered else None), len(dumps(value)), index)
    media_type = entry.get("mediaType") or _by_name(entry["path"], offered)
    path, size = place.area.publish(place.job_id, name, Path(entry["path"]), place.workdir)
    return Result(name, None, path, Format(media_type if is_media_type(media_type) else OCTETS), size, index)


def _by_name(path: str, offered: list[str]) -> str:
    """The media type of a file: by its extension if the description offers that, else the described default."""
    guessed = media_type_of(path)
    fitting = [media_type for media_type in offered if same_type(media_type, guessed)]
    return (fitting or offered or [guessed])[0]
