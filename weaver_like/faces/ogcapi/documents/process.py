"""Process descriptions: domain -> JSON of the standard; and read from a plugin's child."""

from collections.abc import Sequence

from weaver_like.domain.links import Link
from weaver_like.domain.package import History
from weaver_like.domain.process import InputDescription, OutputDescription, Process
from weaver_like.faces.ogcapi.documents.urls import JSON, Urls, render_links
from weaver_like.schemas.times import render_time


def render_summary(process: Process, urls: Urls) -> dict:
    """Source: OGC 18-062r2, processSummary.yaml."""
    return _render_head(process) | {"links": render_links(urls.of_process(process.id, full=False))}


def render_description(process: Process, urls: Urls, versions: Sequence[str] = ()) -> dict:
    """Source: OGC 18-062r2, process.yaml; 2.0 draft, /req/ogc-process-description/*.

    versions: of a deployed process, the one deployed last first.
    """
    links = urls.of_process(process.id, full=True) + (
        urls.of_revision(process.id, process.version, versions) if process.mutable else []
    )
    return _render_head(process) | {
        "inputs": {name: render_input(entry) for name, entry in process.inputs.items()},
        "outputs": {name: _render_common(entry) | {"schema": entry.schema} for name, entry in process.outputs.items()},
        "links": render_links(links),
    }


def render_history(history: History, urls: Urls) -> dict:
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


def _render_head(process: Process) -> dict:
    return {
        "id": process.id,
        "version": process.version,
        **_render_common(process),
        "jobControlOptions": [str(option) for option in process.job_control],
        "outputTransmission": ["value", "reference"],
        "mutable": process.mutable,
    }


def _render_common(described: Process | InputDescription | OutputDescription) -> dict:
    given = {
        "title": described.title,
        "description": described.description,
        "keywords": list(described.keywords),
        "metadata": list(described.metadata),
    }
    return {key: value for key, value in given.items() if value}


def render_input(entry: InputDescription) -> dict:
    """`minOccurs` and `maxOccurs` are always written: clients guess differently."""
    return _render_common(entry) | {
        "minOccurs": entry.min_occurs,
        "maxOccurs": "unbounded" if entry.max_occurs is None else entry.max_occurs,
        "valuePassing": ["byValue", "byReference"],
        "schema": entry.schema,
    }
