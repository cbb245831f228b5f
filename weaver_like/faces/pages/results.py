"""Results for human readers."""

from weaver_like.domain.formats import JSON
from weaver_like.domain.links import Link
from weaver_like.domain.results import Result
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.faces.ogcapi.parts import own_type
from weaver_like.jobs.results import JobResults
from weaver_like.schemas.jsontext import JsonObject

#: Larger values are only links.
_SHOWN_BYTES = 20000


def results_page(found: JobResults, urls: Urls) -> JsonObject:
    """Small values are shown, everything else is a link."""
    page: JsonObject = {}
    for name in dict.fromkeys(result.output for result in found.results):
        entries = [_entry(found, result, urls) for result in found.of(name)]
        page[name] = entries[0] if len(entries) == 1 else entries
    here = urls.job(found.job.id)
    links = [*urls.twins(f"{here}/results"), Link(here, "up", JSON)]
    page["links"] = [{"href": link.href, "rel": link.rel, "type": link.type} for link in links]
    return page


def _entry(found: JobResults, result: Result, urls: Urls) -> JsonObject:
    link: JsonObject = {
        "href": urls.result(found.job.id, result),
        "type": own_type(result),
        "size (bytes)": result.size_bytes,
    }
    if result.path is None and result.size_bytes < _SHOWN_BYTES:
        return {"value": urls.value(result)} | link
    return link
