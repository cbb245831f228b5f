"""Bodies of callbacks: the results document on success, the status document else."""

from collections.abc import Callable

from weaver_like.domain.job import Callback
from weaver_like.faces.ogcapi.parts import Body, results_entries
from weaver_like.jobs.results import by_value, get_results
from weaver_like.runtime import Runtime
from weaver_like.schemas.job import render_status
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.urls import Urls


def render_callback(rt: Runtime, callback: Callback, urls: Callable[[str], Urls]) -> bytes:
    """The message to a subscriber, with links below the URL that the job was submitted to.

    Raises: NoSuchJob, if the job was removed; the error of `get_results` cannot come: only successful jobs have that callback.
    Source: OGC 18-062r2, execute.yaml `subscriber`.
    """
    job = rt.jobs.get(callback.job_id)
    if callback.kind != "success":
        return dumps(render_status(job, urls(job.base_url)))
    documents = rt.jobs.get_documents(job.id)
    if not documents.results:
        return b"{}"
    found = get_results(rt, job)
    limit = rt.settings.limits.inline_bytes
    body: Body = results_entries(
        rt, urls(job.base_url), found, lambda result: by_value(found.execution, result, None, limit)
    )
    return b"".join(body.chunks())
