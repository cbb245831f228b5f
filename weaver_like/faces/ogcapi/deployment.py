"""`POST /processes` and what follows: clients bring, replace and remove processes.

Source: OGC 20-044 (Part 2: Deploy, Replace, Undeploy).
"""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.deployment.cwl import CWL_JSON, CWL_TYPES
from weaver_like.deployment.deploy import Deployment
from weaver_like.deployment.documents import MULTIPART_TYPES, PLAIN_TYPES, is_application_package
from weaver_like.deployment.request import DeploymentOptions
from weaver_like.domain.errors import TooLarge
from weaver_like.domain.formats import JSON, essence
from weaver_like.domain.package import DeploymentRequest, Package
from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.execute import read_body
from weaver_like.faces.ogcapi.documents.process import render_description, render_history, render_summary
from weaver_like.faces.ogcapi.negotiate import prefers_json
from weaver_like.schemas.jsontext import dumps


def deploy_process(request: Request, query: Query) -> Document:
    """/req/deploy-replace-undeploy/deploy-post-op and those after it."""
    done = request.services.deployments.deploy(_read_package(request, query), query["dryRun"])
    if query["dryRun"]:
        return _deployed(request, done, query)
    location = request.urls.process(done.processes[0].id)
    return _deployed(request, done, query, 201, (("Location", location),))


def replace_process(request: Request, query: Query) -> Document:
    """/req/deploy-replace-undeploy/replace-put-op."""
    deployments, process_id = request.services.deployments, request.matchdict["process"]
    deployments.check_mutable(process_id)  # whoever may not need not be told what is wrong with the body
    return _deployed(request, deployments.replace(process_id, _read_package(request, query), query["dryRun"]), query)


def patch_process(request: Request, query: Query) -> Document:
    """An extension: a merge patch of the description (RFC 7396), or a return to another version."""
    deployments, process_id = request.services.deployments, request.matchdict["process"]
    deployments.check_mutable(process_id)
    most = request.settings.limits.package_bytes
    if len(request.body) > most:
        raise TooLarge(f"The patch has {len(request.body)} bytes; at most {most} are taken (limits.package_bytes).")
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    return _deployed(request, deployments.patch(process_id, document, query["dryRun"]), query)


def undeploy_process(request: Request, query: Query) -> Response:
    """/req/deploy-replace-undeploy/undeploy-delete-op."""
    process_id, _, version = request.matchdict["process"].partition(":")
    request.services.deployments.undeploy(process_id, version or None)
    return Response(status=204)


def get_package(request: Request, query: Query) -> Response:
    """/req/deploy-replace-undeploy/package-get-op: what was deployed, byte for byte; YAML as JSON where that is preferred."""
    package = request.services.deployments.get_package(request.matchdict["process"]).package
    content, media_type = package.content, package.media_type
    wanted = next((kind for kind in (CWL_JSON, JSON) if prefers_json(request, media_type, kind)), None)
    found = _as_json(request, package) if wanted else None
    if wanted is not None and found is not None:
        content, media_type = found, wanted
    headers = [("Content-Type", media_type), ("Vary", "Accept"), ("X-Content-Type-Options", "nosniff")]
    response = Response(status=200, headerlist=headers)
    response.body = content
    return response


def get_revisions(request: Request, query: Query) -> Document:
    """An extension: every version of a deployed process."""
    history = request.services.deployments.get_history(request.matchdict["process"].partition(":")[0])
    return Document(f"Versions of {history.process_id}", render_history(history, request.urls))


def _read_package(request: Request, query: Query) -> DeploymentRequest:
    options = DeploymentOptions(query["id"], query["version"], query["start"], tuple(query["w"]))
    content_type = request.environ.get("CONTENT_TYPE", "")
    return request.services.deployments.read_request(request.body, content_type, options)


def _as_json(request: Request, package: Package) -> bytes | None:
    """A package that is one CWL document, as JSON; None if it is something else, or is JSON already."""
    kind = essence(package.media_type)
    if kind in MULTIPART_TYPES or kind not in (*CWL_TYPES, *PLAIN_TYPES):
        return None
    document = request.services.deployments.parse(package.content)
    return None if document is None or is_application_package(document) else dumps(document)


def _deployed(
    request: Request,
    done: Deployment,
    query: Query,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
) -> Document:
    """A summary of what was deployed; of what would be deployed all that there is to say."""
    render = render_description if query["dryRun"] else render_summary
    first, *more = [render(process, request.urls) for process in done.processes]
    if more:
        first["processes"] = more
    if done.warnings:
        first["warnings"] = list(done.warnings)
    return Document(first["id"], first, status, headers=headers)
