"""`POST /processes` and what follows: clients bring, replace and remove processes.

Source: OGC 20-044 (Part 2: Deploy, Replace, Undeploy).
"""

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
from weaver_like.faces.request import Request
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
    deployments.check_mutable(process_id)  # a body that cannot be used need not be checked
    done = deployments.replace(process_id, _read_package(request, query), query["dryRun"])
    return _deployed(request, done, query)


def patch_process(request: Request, query: Query) -> Document:
    """An extension: apply a merge patch to the description (RFC 7396), or go back to another version."""
    deployments, process_id = request.services.deployments, request.matchdict["process"]
    deployments.check_mutable(process_id)
    size, limit = len(request.body), request.settings.limits.package_bytes
    if size > limit:
        raise TooLarge(f"The patch has {size} bytes; the limit is {limit} (limits.package_bytes).")
    document = read_body(request.body, request.environ.get("CONTENT_TYPE", ""))
    done = deployments.patch(process_id, document, query["dryRun"])
    return _deployed(request, done, query)


def undeploy_process(request: Request, query: Query) -> Response:
    """/req/deploy-replace-undeploy/undeploy-delete-op."""
    process_id, _, version = request.matchdict["process"].partition(":")
    request.services.deployments.undeploy(process_id, version or None)
    return Response(status=204)


def get_package(request: Request, query: Query) -> Response:
    """/req/deploy-replace-undeploy/package-get-op: byte for byte what was deployed; YAML as JSON if preferred."""
    package = request.services.deployments.get_package(request.matchdict["process"]).package
    content, media_type = package.content, package.media_type
    preferred = next((kind for kind in (CWL_JSON, JSON) if prefers_json(request, media_type, kind)), None)
    if preferred:
        converted = _as_json(request, package)
        if converted is not None:
            content, media_type = converted, preferred
    headers = [("Content-Type", media_type), ("Vary", "Accept"), ("X-Content-Type-Options", "nosniff")]
    response = Response(status=200, headerlist=headers)
    response.body = content
    return response


def get_revisions(request: Request, query: Query) -> Document:
    """An extension: every version of a deployed process."""
    history = request.services.deployments.get_history(request.matchdict["process"].partition(":")[0])
    return Document(f"Versions of {history.process_id}", render_history(history, request.urls))


def _read_package(request: Request, query: Query) -> DeploymentRequest:
    options = DeploymentOptions(query["id"], query["version"], query["start"], tuple(query["w"]), request.urls.base)
    content_type = request.environ.get("CONTENT_TYPE", "")
    return request.services.deployments.read_request(request.body, content_type, options)


def _as_json(request: Request, package: Package) -> bytes | None:
    """A package that is one CWL document, as JSON; None if it is something else."""
    kind = essence(package.media_type)
    if kind in MULTIPART_TYPES or kind not in (*CWL_TYPES, *PLAIN_TYPES):
        return None
    document = request.services.deployments.parse(package.content)
    if document is None or is_application_package(document):
        return None
    return dumps(document)


def _deployed(
    request: Request,
    done: Deployment,
    query: Query,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
) -> Document:
    """A summary of what was deployed; the whole description of what would be deployed."""
    render = render_description if query["dryRun"] else render_summary
    first, *more = [render(process, request.urls) for process in done.processes]
    if more:
        first["processes"] = more
    if done.warnings:
        first["warnings"] = list(done.warnings)
    return Document(first["id"], first, status, headers=headers)
