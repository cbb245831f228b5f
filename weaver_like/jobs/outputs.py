"""`collect_outputs`: what a run left behind -> results."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.formats import OCTETS, Format, is_media_type, media_type_of, same_type
from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput
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
    results: list[Result], outputs: Mapping[str, RunOutput], process: Process, execution: Execution, place: Place
) -> None:
    """Publish the files of the requested outputs and keep the values; other outputs end with the work folder.

    results: is filled, so that the caller knows what was published when this fails half-way.  outputs: by id.
    Raises: RunFailed, if a file is not where the job said or cannot be kept, or an output does not exist in the
    description; whatever `place.proceed` raises.
    """
    unknown = set(outputs) - set(process.outputs)
    if unknown:
        raise RunFailed(f"The run gave outputs that the process does not have: {', '.join(sorted(unknown))}.")
    for name in requested_outputs(process, execution):
        if name not in outputs:
            continue
        schema = process.outputs[name].schema
        uris = [name] if _is_uri(schema) else []
        for index, output in _results_of(outputs[name]):
            result = _collect(name, output, index, output_media_types(schema), place)
            results += make_results_relative([result], place.locations, uris)


def _results_of(output: RunOutput) -> Iterator[tuple[int | None, OutputValue | OutputFile]]:
    """Each result of an output, with its index if there may be several."""
    if isinstance(output, OutputArray):
        yield from enumerate(output.items)
    else:
        yield None, output


def _collect(
    name: str, output: OutputValue | OutputFile, index: int | None, offered: list[str], place: Place
) -> Result:
    if isinstance(output, OutputValue):
        if output.files:
            return _with_files(name, output, index, place)
        form = Format(offered[0] if offered else None)
        return Result(name, output.value, None, form, len(dumps(output.value)), index)
    media_type = output.media_type or _by_name(output.path, offered)
    file = _file(name, Path(output.path), place.workdir)
    published = place.area.publish(place.job_id, name, file, place.proceed)
    form = Format(media_type if is_media_type(media_type) else OCTETS, schema=output.format_uri)
    return Result(name, None, published.reference, form, published.size_bytes, index)


def _with_files(name: str, output: OutputValue, index: int | None, place: Place) -> Result:
    """A value with files in it: each is published, and its reference stands where its path stood."""
    size = 0
    for *folders, last in output.files:
        part: Any = output.value
        for step in folders:
            part = part[step]
        file = _file(name, Path(part[last]), place.workdir)
        published = place.area.publish(place.job_id, name, file, place.proceed)
        part[last] = quote(published.reference)
        size += published.size_bytes
    size += len(dumps(output.value))
    return Result(name, output.value, None, Format("application/json"), size, index, output.files)


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
