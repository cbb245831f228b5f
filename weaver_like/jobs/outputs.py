"""`collect_outputs`: what a run left behind -> results."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from weaver_like.domain.errors import RunFailed
from weaver_like.domain.execution import Execution
from weaver_like.domain.fileobjects import is_folder
from weaver_like.domain.formats import JSON, OCTETS, Format, is_media_type, media_type_of, same_type
from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput
from weaver_like.domain.process import Process
from weaver_like.domain.references import make_results_relative
from weaver_like.domain.results import Result
from weaver_like.files.area import OutputArea
from weaver_like.schemas.jsontext import JsonObject, dumps
from weaver_like.schemas.literals import literal_media_types
from weaver_like.schemas.validators import output_media_types
from weaver_like.settings import Settings


def requested_outputs(process: Process, execution: Execution) -> list[str]:
    """Ids of the outputs that the execute request asks for, in the order of the description.

    Source: /req/core/process-execute-default-outputs, -omitted-outputs, -empty-outputs.
    """
    if execution.outputs is None:
        return list(process.outputs)
    return [name for name in process.outputs if name in execution.outputs]


def requested_media_types(process: Process, execution: Execution) -> dict[str, str | None]:
    """Requested outputs with the media type that the client asks for, if it does."""
    if execution.outputs is None:
        return dict.fromkeys(process.outputs)
    names = requested_outputs(process, execution)
    return {name: execution.outputs[name].format.media_type for name in names}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a run are, and where they go.

    Args:
        locations: paths and URLs by which values may refer to the output area.
        proceed: raises if the job must stop.
    """

    area: OutputArea
    job_id: str
    workdir: Path
    locations: tuple[str, ...]
    proceed: Callable[[], None]


def own_locations(settings: Settings, base_url: str) -> tuple[str, ...]:
    """Paths and URLs by which values may refer to the output area, without trailing slash.

    Args:
        base_url: public URL under which the job was submitted.
    """
    bucket, folder = settings.outputs_s3, settings.outputs_dir
    if bucket:
        locations = [f"s3://{'/'.join(filter(None, bucket))}"]
    else:
        locations = [str(folder), folder.as_uri()]
    public_url = settings.files.outputs_url.rstrip("/")
    if public_url:
        locations.append(public_url)
    bases = [base.rstrip("/") for base in (settings.server.url, base_url) if base]
    locations += [f"{base}/outputs" for base in dict.fromkeys(bases)]
    return tuple(locations)


def outputs_url(settings: Settings, base_url: str) -> str:
    """Public URL of the output area, without trailing slash. base_url: as in `own_locations`."""
    base = (settings.server.url or base_url).rstrip("/")
    return settings.files.outputs_url.rstrip("/") or f"{base}/outputs"


def collect_outputs(
    results: list[Result], outputs: Mapping[str, RunOutput], process: Process, execution: Execution, place: Place
) -> None:
    """Publish the files of the requested outputs and keep the values; other outputs go with the work folder.

    Args:
        results: is filled, so that the caller knows what was published if this fails half-way.
        outputs: what the run left, by id.
    Raises: RunFailed, if a file is not where the job said or cannot be kept, or if the process has no such output;
    whatever `place.proceed` raises.
    """
    unknown = set(outputs) - set(process.outputs)
    if unknown:
        raise RunFailed(f"The run produced outputs that the process does not have: {', '.join(sorted(unknown))}.")
    wanted = requested_media_types(process, execution)
    for name in wanted:
        if name not in outputs:
            continue
        schema = process.outputs[name].schema
        uris = [name] if _is_uri(schema) else []
        media_types = _media_types(schema, wanted[name])
        for index, output in _results_of(outputs[name]):
            result = _collect(name, output, index, media_types, place)
            results += make_results_relative([result], place.locations, uris)


def _media_types(schema: JsonObject, wanted: str | None) -> list[str]:
    """The media types that an output may have, the default one first; of a plain value the one that is wanted."""
    if wanted and literal_media_types(schema):
        return [wanted]
    return output_media_types(schema)


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
            return _with_files(name, output, index, offered, place)
        media_type = offered[0] if offered else None
        return Result(name, output.value, None, Format(media_type), len(dumps(output.value)), index)
    media_type = output.media_type or _media_type_by_name(output.path, offered)
    if not is_media_type(media_type):
        media_type = OCTETS
    file = work_file(name, Path(output.path), place.workdir)
    published = place.area.publish(place.job_id, name, file, place.proceed)
    form = Format(media_type, schema=output.format_uri)
    return Result(name, None, published.reference, form, published.size_bytes, index)


def _with_files(name: str, output: OutputValue, index: int | None, offered: list[str], place: Place) -> Result:
    """A value with files in it: each is published, and its path is replaced by its reference.

    offered: media types of the description; a folder is what it says first.
    """
    size = 0
    for *folders, last in output.files:
        part: Any = output.value
        for step in folders:
            part = part[step]
        file = work_file(name, Path(part[last]), place.workdir)
        published = place.area.publish(place.job_id, name, file, place.proceed)
        part[last] = quote(published.reference)
        size += published.size_bytes
    size += len(dumps(output.value))
    described = offered[0] if offered and is_folder(output.value) else JSON
    return Result(name, output.value, None, Format(described), size, index, output.files)


def work_file(name: str, path: Path, workdir: Path) -> Path:
    """The file, without links. Raises: RunFailed, if it is not a regular file inside the work folder."""
    resolved = (workdir / path).resolve()
    if not resolved.is_relative_to(workdir.resolve()) or not resolved.is_file():
        raise RunFailed(f"Output '{name}' is not a file in the work folder of the job: '{path.name}'.")
    return resolved


def _is_uri(schema: JsonObject) -> bool:
    """Whether a value, or each of its items, is described as a URI."""
    if schema.get("format") in ("uri", "uri-reference"):
        return True
    return schema.get("type") == "array" and _is_uri(schema.get("items") or {})


def _media_type_by_name(path: str, offered: list[str]) -> str:
    """The media type of a file: by its extension if the description offers that, otherwise the described default."""
    guessed = media_type_of(path)
    if OCTETS in offered or not offered:
        return guessed
    return next((media_type for media_type in offered if same_type(media_type, guessed)), offered[0])
