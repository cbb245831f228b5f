"""`collect_outputs`: what a run left behind -> results."""
from collections.abc import Mapping
from pathlib import Path

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import Format, media_type_of, same_type
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


def collect_outputs(raw: Mapping[str, dict], process: Process, execution: Execution, workdir: Path, area: OutputArea, job_id: str) -> list[Result]:
    """Publish the files of the requested outputs and keep the values; other outputs end with the work folder.

    raw: output id -> {"value": JSON} | {"path", "mediaType"} | {"items": [such, ...]}.
    Raises: RunFailed, if a file is not where the job said, or an output does not exist in the description.
    """
    unknown = set(raw) - set(process.outputs)
    if unknown:
        raise RunFailed(f"The run gave outputs that the process does not have: {', '.join(sorted(unknown))}.")
    results: list[Result] = []
    for name in requested_outputs(process, execution):
        if name not in raw:
            continue
        several = "items" in raw[name]
        for number, entry in enumerate(raw[name]["items"] if several else [raw[name]]):
            results.append(_collect(name, entry, number if several else None, process, workdir, area, job_id))
    return results


def _collect(name: str, entry: dict, index: int | None, process: Process, workdir: Path, area: OutputArea, job_id: str) -> Result:
    offered = output_media_types(process.outputs[name].schema)
    if "path" not in entry:
        value = entry["value"]
        return Result(name, value, None, Format(offered[0] if offered else None), len(dumps(value)), index)
    media_type = entry.get("mediaType") or _by_name(entry["path"], offered)
    path, size = area.publish(job_id, name, Path(entry["path"]), workdir)
    return Result(name, None, path, Format(media_type), size, index)


def _by_name(path: str, offered: list[str]) -> str:
    """The media type of a file: by its extension if the description offers that, else the described default."""
    guessed = media_type_of(path)
    fitting = [media_type for media_type in offered if same_type(media_type, guessed)]
    return (fitting or offered or [guessed])[0]
