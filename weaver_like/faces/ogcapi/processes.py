"""`/processes`, `/processes/{id}`, `/plugins`."""

from urllib.parse import quote

from weaver_like.domain.formats import JSON
from weaver_like.domain.links import PROFILE_PROCESS, Link
from weaver_like.domain.process import Plugin
from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.process import render_description, render_summary
from weaver_like.faces.ogcapi.documents.urls import render_links
from weaver_like.faces.request import Request
from weaver_like.schemas.jsontext import JsonObject


def list_processes(request: Request, query: Query) -> Document:
    """/req/core/process-list, /req/core/pl-limit-response, /req/core/pl-links."""
    key = ("processes", request.urls.base, query["limit"], query["cursor"], request.environ["QUERY_STRING"])
    return Document("Processes", lambda: _process_list(request, query), key=key)


def _process_list(request: Request, query: Query) -> JsonObject:
    limit, cursor, urls = query["limit"], query["cursor"], request.urls
    processes, more = request.services.processes.find(cursor, limit)
    first = f"{urls.base}/processes"
    if "limit" in request.environ["QUERY_STRING"]:
        first = f"{first}?limit={limit}"
    here = first
    if cursor:
        mark = "&" if "?" in first else "?"
        here = f"{first}{mark}cursor={quote(cursor)}"
    links = urls.twins(here)
    if more:
        links.append(Link(f"{urls.base}/processes?limit={limit}&cursor={quote(processes[-1].id)}", "next", JSON))
    return {"processes": [render_summary(process, urls) for process in processes], "links": render_links(links)}


def get_process(request: Request, query: Query) -> Document:
    """/req/core/process, /req/ogc-process-description/*."""
    processes = request.services.processes
    process = processes.get(request.matchdict["process"])
    profile = Link(PROFILE_PROCESS, "profile")

    def describe() -> JsonObject:
        return render_description(process, request.urls, processes.find_versions(process))

    # The object belongs to the key: it may be newer than the state of the offer.
    key = ("process", request.urls.base, process.id, id(process))
    return Document(process.title or process.id, describe, links=(profile,), key=key)


def list_plugins(request: Request, query: Query) -> Document:
    """Every plugin that was found: its processes, or why it was not loaded."""
    plugins = [_render_plugin(plugin) for plugin in request.services.processes.find_plugins()]
    links = render_links(request.urls.twins(f"{request.urls.base}/plugins"))
    return Document("Plugins", {"plugins": plugins, "links": links})


def _render_plugin(plugin: Plugin) -> JsonObject:
    document: JsonObject = {"name": plugin.name, "processes": [process.id for process in plugin.processes]}
    if plugin.error:
        document["error"] = plugin.error
    return document
