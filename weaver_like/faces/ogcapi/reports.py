"""What can be seen of a job beside its status: inputs, outputs, log, steps, exceptions, statistics; and result files."""

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.links import Link
from weaver_like.faces.ogcapi.answer import answer, read_query
from weaver_like.faces.ogcapi.negotiate import JSON
from weaver_like.faces.ogcapi.stream import file_answer
from weaver_like.jobs.results import get_results
from weaver_like.jobs.steps import find_steps
from weaver_like.schemas.execute import masked, render_format, render_inputs, render_outputs
from weaver_like.schemas.job import render_log, render_problem
from weaver_like.schemas.query import LOG, PLAIN, STEPS
from weaver_like.schemas.step import render_step
from weaver_like.schemas.urls import render_links


def get_inputs(request: Request) -> Response:
    """The request as it was understood. Source: Part 4 draft, /jobs/{jobID}/inputs."""
    query, job_id = read_query(request, PLAIN), request.matchdict["job"]
    job, execution = request.runtime.jobs.get(job_id), request.runtime.jobs.get_documents(job_id).execution
    try:
        process = request.runtime.catalog.get(job.process_id).process
    except NoSuchProcess:
        process = None
    document: dict = {"processID": job.process_id, "inputs": render_inputs(masked(execution), process)}
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    if execution.response:
        document["response"] = str(execution.response)
    document["links"] = _links(request, job_id, "inputs")
    return answer(request, document, title="Inputs", f=query["f"])


def get_outputs(request: Request) -> Response:
    """Every result as a link, whatever form was asked for; sizes and media types with it. Errors as for the results."""
    query, job_id = read_query(request, PLAIN), request.matchdict["job"]
    found = get_results(request.runtime, request.runtime.jobs.get(job_id))
    outputs = [
        {
            "id": result.output,
            "href": request.urls.result(job_id, result),
            "type": result.format.media_type or JSON,
            "length": result.size_bytes,
            **({"format": render_format(result.format)} if result.format.media_type else {}),
        }
        for result in found.results
    ]
    return answer(
        request, {"outputs": outputs, "links": _links(request, job_id, "outputs")}, title="Outputs", f=query["f"]
    )


def get_log(request: Request) -> Response:
    """The log, oldest line first, in pages."""
    query, job_id = read_query(request, LOG), request.matchdict["job"]
    entries = request.runtime.jobs.read_log(job_id, query["after"], query["limit"])
    links = _links(request, job_id, "logs")
    if len(entries) == query["limit"]:
        href = f"{request.urls.job(job_id)}/logs?after={entries[-1].number}&limit={query['limit']}"
        links += render_links([Link(href, "next", JSON)])
    return answer(request, {"logs": render_log(entries), "links": links}, title="Log", f=query["f"])


def get_steps(request: Request) -> Response:
    """Steps of an application package, in the order in which they became known, in pages; none of other processes."""
    query, job_id = read_query(request, STEPS), request.matchdict["job"]
    steps = find_steps(request.runtime, job_id, query["after"], query["limit"])
    links = _links(request, job_id, "steps")
    if len(steps) == query["limit"]:
        links += render_links(
            [Link(f"{request.urls.job(job_id)}/steps?after={steps[-1].number}&limit={query['limit']}", "next", JSON)]
        )
    return answer(
        request, {"steps": [render_step(step) for step in steps], "links": links}, title="Steps", f=query["f"]
    )


def get_exceptions(request: Request) -> Response:
    """Why a job failed: the problem, with the traceback of the job's own code; an empty list for other jobs."""
    query, job_id = read_query(request, PLAIN), request.matchdict["job"]
    documents = request.runtime.jobs.get_documents(job_id)
    exceptions = []
    if documents.error is not None:
        exceptions.append(
            render_problem(documents.error, request.urls.job(job_id))
            | ({"traceback": documents.traceback} if documents.traceback else {})
        )
    return answer(
        request,
        {"exceptions": exceptions, "links": _links(request, job_id, "exceptions")},
        title="Exceptions",
        f=query["f"],
    )


def get_statistics(request: Request) -> Response:
    """What the job used; empty until it has ended."""
    query, job_id = read_query(request, PLAIN), request.matchdict["job"]
    statistics = request.runtime.jobs.get_documents(job_id).statistics or {}
    return answer(
        request, statistics | {"links": _links(request, job_id, "statistics")}, title="Statistics", f=query["f"]
    )


def get_file(request: Request) -> Response:
    """A result file below /outputs."""
    read_query(request, PLAIN)
    return file_answer(request, request.runtime.area.get("/" + "/".join(request.matchdict["path"])))


def _links(request: Request, job_id: str, name: str) -> list[dict]:
    here = request.urls.job(job_id)
    return render_links([*request.urls.twins(f"{here}/{name}"), Link(here, "up", JSON, "Status of the job")])
