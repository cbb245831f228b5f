"""`/processes`, `/processes/{id}`, `/plugins`."""

from urllib.parse import quote

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.links import PROFILE_PROCESS, Link
from weaver_like.faces.ogcapi.answer import answer, body_answer, read_query
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose
from weaver_like.processes.catalog import Snapshot
from weaver_like.schemas.description import render_description, render_summary
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import PLAIN, PROCESS_LIST
from weaver_like.schemas.urls import render_links


def list_processes(request: Request) -> Response:
    """/req/core/process-list, /req/core/pl-limit-response, /req/core/pl-links."""
    query = read_query(request, PROCESS_LIST)
    limit, cursor, urls = query["limit"], query["cursor"], request.urls

    def document(_snapshot: Snapshot) -> dict:
        processes, more = request.runtime.catalog.find(cursor, limit)
        here = f"{urls.base}/processes" + (f"?limit={limit}" if "limit" in request.environ["QUERY_STRING"] else "")
        links = urls.twins(here + (f"{'&' if '?' in here else '?'}cursor={quote(cursor)}" if cursor else ""))
        if more:
            links.append(Link(f"{urls.base}/processes?limit={limit}&cursor={quote(processes[-1].id)}", "next", JSON))
        return {"processes": [render_summary(process, urls) for process in processes], "links": render_links(links)}

    if choose(request, (JSON, HTML), query["f"]) == HTML:
        return answer(request, document(request.runtime.catalog.snapshot()), title="Processes", f=query["f"])
    key = ("processes", urls.base, limit, cursor, request.environ["QUERY_STRING"])
    return body_answer(
        request.registry.memo.get(request.runtime, key, lambda snapshot: dumps(document(snapshot))), JSON
    )


def get_process(request: Request) -> Response:
    """/req/core/process, /req/ogc-process-description/*."""
    query = read_query(request, PLAIN)
    process = request.runtime.catalog.get(request.matchdict["process"]).process
    profile = Link(PROFILE_PROCESS, "profile")

    def describe() -> dict:
        return render_description(process, request.urls, request.runtime.deployer.find_versions(process))

    if choose(request, (JSON, HTML), query["f"]) == HTML:
        return answer(request, describe(), title=process.title or process.id, f=query["f"], links=[profile])
    key = (
        "process",
        request.urls.base,
        process.id,
        id(process),
    )  # the object too: what was just read may be newer than the memo
    body = request.registry.memo.get(request.runtime, key, lambda _: dumps(describe()))
    return body_answer(body, JSON, headers=[("Link", profile.header())])


def list_plugins(request: Request) -> Response:
    """Every plugin that was found: its processes, or the error that kept it out."""
    query = read_query(request, PLAIN)
    plugins = [
        {
            "name": plugin.name,
            "processes": [process.id for process in plugin.processes],
            **({"error": plugin.error} if plugin.error else {}),
        }
        for plugin in request.runtime.catalog.snapshot().plugins
        if not plugin.deployed or plugin.error
    ]
    links = render_links(request.urls.twins(f"{request.urls.base}/plugins"))
    return answer(request, {"plugins": plugins, "links": links}, title="Plugins", f=query["f"])
