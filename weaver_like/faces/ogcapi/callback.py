"""Bodies of callbacks: the results document of a successful job, otherwise the status document."""

from weaver_like.domain.job import Callback
from weaver_like.faces.ogcapi.documents.job import render_status
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.faces.ogcapi.parts import ResultBodies
from weaver_like.jobs.results import by_value
from weaver_like.schemas.jsontext import dumps
from weaver_like.services.application import Services
from weaver_like.settings import Settings


def render_callback(services: Services, settings: Settings, callback: Callback) -> bytes:
    """The message to a subscriber; its links begin with the URL under which the job was submitted.

    Raises: NoSuchJob, if the job was removed. `results.get` does not refuse: only successful jobs have that callback.
    Source: OGC 18-062r2, execute.yaml `subscriber`.
    """
    job = services.jobs.get(callback.job_id)
    urls = Urls.of(settings, job.base_url)
    if callback.kind != "success":
        return dumps(render_status(job, urls))
    if not services.jobs.get_documents(job).results:
        return b"{}"
    found = services.results.get(job)
    limit = settings.limits.inline_bytes
    bodies = ResultBodies(urls, services.results.open, limit)
    body = bodies.document(found, lambda result: by_value(found.execution, result, None, limit))
    return b"".join(body.chunks())
