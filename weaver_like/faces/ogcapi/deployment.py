"""`POST /processes` and what follows: clients bring, replace and remove processes.

Source: OGC 20-044 (Part 2: Deploy, Replace, Undeploy).
"""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.deployment.deploy import Deployment
from weaver_like.deployment.request import (
    CWL_JSON,
    CWL_TYPES,
    MULTIPART_TYPES,
    PLAIN_TYPES,
    is_application_package,
    read_request,
)
from weaver_like.domain.errors import TooLarge
from weaver_like.domain.formats import essence
from weaver_like.domain.package import DeploymentRequest, Package
from weaver_like.faces.ogcapi.answer import answer, read_query
from weaver_like.faces.ogcapi.negotiate import HTML, JSON, choose, prefers_json
from weaver_like.schemas.description import render_description, render_history, render_summary
from weaver_like.schemas.execute import read_body
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import DEPLOYMENT, PATCH, PLAIN


def deploy_process(request: Request) -> Response:
    """/req/deploy-replace-undeploy/deploy-post-op and those after it."""
    query = read_query(request, DEPLOYMENT)
    choose(request, (JSON, HTML), query["f"])  # what its sender could not be told must not happen
    done = request.runtime.deployer.deploy(_read_package(request, query), query["dryRun"])
    response = _answer_deployment(request, done, 200 if query["dryRun"] else 201, query)
    if not query["dryRun"]:
        response.headers["Location"] = request.urls.process(done.processes[0].id)
    return response


def replace(request: Request) -> Response:
    """/req/deploy-replace-undeploy/replace-put-op."""
    query = read_query(request, DEPLOYMENT)
    choose(request, (JSON, HTML), query["f"])
    request.runtime.deployer.get_mutable(
        request.matchdict["process"]
    )  # who may not, need not be told what is wrong with the body
    done = request.runtime.deployer.replace(
        request.matchdict["process"], _read_package(request, query), query["dryRun"]
    )
    return _answer_deployment(request, done, 200, query)


def patch(request: Request) -> Response:
    """An extension: a merge patch of the description (RFC 7396), or a return to another version."""
    query = read_query(request, PATCH)
    choose(request, (JSON, HTML), query["f"])
    request.runtime.deployer.get_mutable(request.matchdict["process"])
    most = request.runtime.settings.limits.package_bytes
    if len(request.body) > most:
        raise TooLarge(f"The patch has {len(request.body)} bytes; at most {most} are taken (limits.package_bytes).")
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    return _answer_deployment(
        request, request.runtime.deployer.patch(request.matchdict["process"], document, query["dryRun"]), 200, query
    )


def remove(request: Request) -> Response:
    """/req/deploy-replace-undeploy/undeploy-delete-op."""
    read_query(request, PLAIN)
    process_id, _, version = request.matchdict["process"].partition(":")
    request.runtime.deployer.undeploy(process_id, version or None)
    return Response(status=204)


def get_package(request: Request) -> Response:
    """/req/deploy-replace-undeploy/package-get-op: what was deployed, byte for byte; YAML as JSON for those who like that better."""
    read_query(request, PLAIN)
    package = request.runtime.deployer.get_package(request.matchdict["process"]).package
    content, media_type = package.content, package.media_type
    wanted = next((kind for kind in (CWL_JSON, JSON) if prefers_json(request, media_type, kind)), None)
    found = _as_json(request, package) if wanted else None
    if found is not None:
        content, media_type = found, wanted
    response = Response(
        status=200, headerlist=[("Content-Type", media_type), ("Vary", "Accept"), ("X-Content-Type-Options", "nosniff")]
    )
    response.body = content
    return response


def get_revisions(request: Request) -> Response:
    """An extension: every version of a deployed process."""
    query = read_query(request, PLAIN)
    document = render_history(
        request.runtime.deployer.get_history(request.matchdict["process"].partition(":")[0]), request.urls
    )
    return answer(request, document, title=f"Versions of {document['id']}", f=query["f"])


def _read_package(request: Request, query: dict) -> DeploymentRequest:
    return read_request(
        request.body, request.environ.get("CONTENT_TYPE", ""), query, request.runtime.settings.limits.package_bytes
    )


def _as_json(request: Request, package: Package) -> bytes | None:
    """A package that is one CWL document, as JSON; None if it is something else, or is JSON already."""
    kind = essence(package.media_type)
    if kind in MULTIPART_TYPES or kind not in (*CWL_TYPES, *PLAIN_TYPES):
        return None
    document = request.runtime.deployer.parse(package.content)
    return None if document is None or is_application_package(document) else dumps(document)


def _answer_deployment(request: Request, done: Deployment, status: int, query: dict) -> Response:
    """A summary of what was deployed; of what would be deployed all that there is to say."""
    render = render_description if query["dryRun"] else render_summary
    document = render(done.processes[0], request.urls)
    more = [render(process, request.urls) for process in done.processes[1:]]
    document |= ({"processes": more} if more else {}) | ({"warnings": list(done.warnings)} if done.warnings else {})
    return answer(request, document, title=document["id"], f=query["f"], status=status)
