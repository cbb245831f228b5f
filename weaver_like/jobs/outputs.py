"""`collect_outputs`: what a run left behind -> results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import OCTETS, Format, is_media_type, media_type_of, same_type
from weaver_like.domain.process import Process
from weaver_like.domain.references import make_results_relative
from weaver_like.domain.results import Result
from weaver_like.files.area import OutputArea
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.validators import output_media_types
from weaver_like.settings import Settings


def requested_outputs(process: Process, execution: Execution) -> list[str]:
    """Ids of the outputs that the request wants, in the order of the description.

    Source: /req/core/process-execute-default-outputs, -omitted-outputs, -empty-outputs.
    """
    return [name for name in process.outputs if execution.outputs is None or name in execution.outputs]


def wanted_media_types(process: Process, execution: Execution) -> dict[str, str | None]:
    """Requested output -> media type that the client asked for."""
    asked = execution.outputs or {}
    return {
        name: asked[name].format.media_type if name in asked else None for name in requested_outputs(process, execution)
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a run are, and where they go. locations: spellings of that.  proceed: raises to stop."""

    area: OutputArea
    job_id: str
    workdir: Path
    locations: tuple[str, ...]
    proceed: Callable[[], None]


def own_locations(settings: Settings, base_url: str) -> tuple[str, ...]:
    """How values may spell the place of the output area, without trailing slash. base_url: of the request that the job came with."""
    bucket, folder = settings.outputs_s3, settings.outputs_dir
    kept = [f"s3://{'/'.join(filter(None, bucket))}"] if bucket else [str(folder), folder.as_uri()]
    bases = [base.rstrip("/") for base in (settings.server.url, base_url) if base]
    return (
        *kept,
        *filter(None, [settings.files.outputs_url.rstrip("/")]),
        *(f"{base}/outputs" for base in dict.fromkeys(bases)),
    )


def collect_outputs(
    results: list[Result], raw: Mapping[str, dict], process: Process, execution: Execution, place: Place
) -> None:
    """Publish the files of the requested outputs and keep the values; other outputs end with the work folder.

    results: is filled, so that the caller knows what was published when this fails half-way.
    raw: output id -> {"value": JSON} | {"path", "mediaType"} | {"items": [such, ...]}.
    Raises: RunFailed, if a file is not where the job said or cannot be kept, or an output does not exist in the description;
    whatever `place.proceed` raises.
    """
    unknown = set(raw) - set(process.outputs)
    if unknown:
        raise RunFailed(f"The run gave outputs that the process does not have: {', '.join(sorted(unknown))}.")
    for name in requested_outputs(process, execution):
        if name in raw:
            several = "items" in raw[name]
            offered = output_media_types(process.outputs[name].schema)
            for number, entry in enumerate(raw[name]["items"] if several else [raw[name]]):
                result = _collect(name, entry, number if several else None, offered, place)
                results += make_results_relative(
                    [result], place.locations, [name] if _is_uri(process.outputs[name].schema) else ()
                )


def _collect(name: str, entry: dict, index: int | None, offered: list[str], place: Place) -> Result:
    if "path" not in entry:
        value = entry["value"]
        if entry.get("files"):
            return _with_files(name, entry, index, place)
        return Result(name, value, None, Format(offered[0] if offered else None), len(dumps(value)), index)
    media_type = entry.get("mediaType") or _by_name(entry["path"], offered)
    published = place.area.publish(place.job_id, name, _file(name, Path(entry["path"]), place.workdir), place.proceed)
    form = Format(media_type if is_media_type(media_type) else OCTETS, schema=entry.get("schema"))
    return Result(name, None, published.reference, form, published.size_bytes, index)


def _with_files(name: str, entry: dict, index: int | None, place: Place) -> Result:
    """A value with files in it: each is published, and its reference stands where its path stood."""
    value, size = entry["value"], 0
    for where in entry["files"]:
        part = value
        for step in where[:-1]:
            part = part[step]
        published = place.area.publish(
            place.job_id, name, _file(name, Path(part[where[-1]]), place.workdir), place.proceed
        )
        part[where[-1]], size = quote(published.reference), size + published.size_bytes
    return Result(
        name,
        value,
        None,
        Format("application/json"),
        size + len(dumps(value)),
        index,
        tuple(map(tuple, entry["files"])),
    )


def _file(name: str, path: Path, workdir: Path) -> Path:
    """Raises: RunFailed, if it is no regular file inside the work folder: a link may not lead out of it."""
    resolved = (path if path.is_absolute() else workdir / path).resolve()
    if not resolved.is_relative_to(workdir.resolve()) or not resolved.is_file():
        raise RunFailed(f"Output '{name}' is not a file in the work folder of the job: '{path.name}'.")
    return resolved


def _is_uri(schema: dict) -> bool:
    """True if a value, or each of its items, is described as a URI."""
    return schema.get("format") in ("uri", "uri-reference") or (
        schema.get("type") == "array" and _is_uri(schema.get("items") or {})
    )


def _by_name(path: str, offered: list[str]) -> str:
    """The media type of a file: by its extension if the description offers that, else the described default."""
    guessed = media_type_of(path)
    if OCTETS in offered:
        return guessed
    fitting = [media_type for media_type in offered if same_type(media_type, guessed)]
    return (fitting or offered or [guessed])[0]
