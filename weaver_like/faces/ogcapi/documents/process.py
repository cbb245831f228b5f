"""Process descriptions: domain -> JSON of the standard."""

from collections.abc import Sequence

from weaver_like.domain.formats import JSON
from weaver_like.domain.links import Link
from weaver_like.domain.package import History
from weaver_like.domain.process import InputDescription, OutputDescription, Process
from weaver_like.faces.ogcapi.documents.urls import Urls, render_links
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.times import render_time


def render_summary(process: Process, urls: Urls) -> JsonObject:
    """Source: OGC 18-062r2, processSummary.yaml."""
    return _render_head(process) | {"links": [*render_links(urls.of_process(process.id, full=False)), *process.links]}


def render_description(process: Process, urls: Urls, versions: Sequence[str] = ()) -> JsonObject:
    """The whole description of a process.

    Args:
        versions: of a deployed process, the one deployed last first.
    Source: OGC 18-062r2, process.yaml; 2.0 draft, /req/ogc-process-description/*.
    """
    links = urls.of_process(process.id, full=True)
    if process.mutable:
        links += urls.of_revision(process.id, process.version, versions)
    return _render_head(process) | {
        "inputs": {name: render_input(entry) for name, entry in process.inputs.items()},
        "outputs": {name: _render_common(entry) | {"schema": entry.schema} for name, entry in process.outputs.items()},
        "links": [*render_links(links), *process.links],
    }


def render_history(history: History, urls: Urls) -> JsonObject:
    """Every version of a deployed process. An extension."""
    here = urls.process(history.process_id)
    revisions = [
        {
            "version": revision.version,
            "deployed": render_time(revision.deployed),
            "current": revision.version == history.current,
            "links": render_links(urls.of_version(history.process_id, revision.version)),
        }
        for revision in history.revisions
    ]
    links = [*urls.twins(f"{here}/revisions"), Link(here, "latest-version", JSON), Link(here, "up", JSON)]
    return {"id": history.process_id, "current": history.current, "revisions": revisions, "links": render_links(links)}


def _render_head(process: Process) -> JsonObject:
    return {
        "id": process.id,
        "version": process.version,
        **_render_common(process),
        "jobControlOptions": [str(option) for option in process.job_control],
        "outputTransmission": [str(mode) for mode in process.output_transmission],
        "mutable": process.mutable,
    }


def _render_common(described: Process | InputDescription | OutputDescription) -> JsonObject:
    given = {
        "title": described.title,
        "description": described.description,
        "keywords": list(described.keywords),
        "metadata": list(described.metadata),
        "additionalParameters": described.additional_parameters,
    }
    return {key: value for key, value in given.items() if value}


def render_input(entry: InputDescription) -> JsonObject:
    """One input. `minOccurs` and `maxOccurs` are always given: clients guess differently."""
    max_occurs = "unbounded" if entry.max_occurs is None else entry.max_occurs
    return _render_common(entry) | {
        "minOccurs": entry.min_occurs,
        "maxOccurs": max_occurs,
        "valuePassing": ["byValue", "byReference"],
        "schema": entry.schema,
    }
