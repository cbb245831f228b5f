"""Documents about a job besides its status: inputs, outputs, log, steps, exceptions, statistics; and result files."""

from pyramid.response import Response

from weaver_like.domain.errors import NoSuchProcess
from weaver_like.domain.formats import JSON, OCTETS, media_type_of
from weaver_like.domain.links import Link
from weaver_like.domain.process import Process
from weaver_like.domain.results import Result
from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.execute import masked
from weaver_like.faces.ogcapi.documents.job import render_log, render_problem
from weaver_like.faces.ogcapi.documents.urls import render_links
from weaver_like.faces.ogcapi.parts import own_type
from weaver_like.faces.ogcapi.stream import file_answer
from weaver_like.faces.request import Request
from weaver_like.schemas.execution import render_outputs
from weaver_like.schemas.inputs import render_format, render_inputs
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.step import render_step


def get_inputs(request: Request, query: Query) -> Document:
    """The request as it was understood. Source: Part 4 draft, /jobs/{jobID}/inputs."""
    jobs, job_id = request.services.jobs, request.matchdict["job"]
    job = jobs.get(job_id)
    execution = jobs.get_documents(job).execution
    process = _find_process(request, job.process_id)
    document: JsonObject = {"processID": job.process_id, "inputs": render_inputs(masked(execution), process)}
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    if execution.response:
        document["response"] = str(execution.response)
    document["links"] = _links(request, job_id, "inputs")
    return Document("Inputs", document)


def _find_process(request: Request, process_id: str) -> Process | None:
    try:
        return request.services.processes.get(process_id)
    except NoSuchProcess:
        return None


def get_outputs(request: Request, query: Query) -> Document:
    """Every result as a link with its size and media type, whatever form was asked for. Errors as for the results."""
    job = request.services.jobs.get(request.matchdict["job"])
    found = request.services.results.get(job)
    outputs = [_render_output(request, job.id, result) for result in found.results]
    return Document("Outputs", {"outputs": outputs, "links": _links(request, job.id, "outputs")})


def _render_output(request: Request, job_id: str, result: Result) -> JsonObject:
    document: JsonObject = {
        "id": result.output,
        "href": request.urls.result(job_id, result),
        "type": own_type(result),
        "length": result.size_bytes,
    }
    if result.format.media_type:
        document["format"] = render_format(result.format)
    return document


def get_log(request: Request, query: Query) -> Document:
    """The log, oldest line first, in pages."""
    job = request.services.jobs.get(request.matchdict["job"])
    entries = request.services.jobs.read_log(job, query["after"], query["limit"])
    links = _links(request, job.id, "logs")
    if len(entries) == query["limit"]:
        links += _next_page(request, job.id, "logs", entries[-1].number, query["limit"])
    return Document("Log", {"logs": render_log(entries), "links": links})


def get_steps(request: Request, query: Query) -> Document:
    """Steps of an application package, in the order in which they became known, in pages; other processes have none."""
    job = request.services.jobs.get(request.matchdict["job"])
    steps = request.services.jobs.find_steps(job, query["after"], query["limit"])
    links = _links(request, job.id, "steps")
    if len(steps) == query["limit"]:
        links += _next_page(request, job.id, "steps", steps[-1].number, query["limit"])
    return Document("Steps", {"steps": [render_step(step) for step in steps], "links": links})


def get_exceptions(request: Request, query: Query) -> Document:
    """Why a job failed: the problem, with the traceback of the job's own code; an empty list if it did not fail."""
    job = request.services.jobs.get(request.matchdict["job"])
    documents = request.services.jobs.get_documents(job)
    exceptions = []
    if documents.error is not None:
        problem = render_problem(documents.error, request.urls.job(job.id))
        if documents.traceback:
            problem["traceback"] = documents.traceback
        exceptions.append(problem)
    return Document("Exceptions", {"exceptions": exceptions, "links": _links(request, job.id, "exceptions")})


def get_statistics(request: Request, query: Query) -> Document:
    """What the job used; empty until it has ended."""
    job = request.services.jobs.get(request.matchdict["job"])
    statistics = request.services.jobs.get_documents(job).statistics or {}
    return Document("Statistics", {**statistics, "links": _links(request, job.id, "statistics")})


def get_file(request: Request, query: Query) -> Response:
    """A result file below /outputs."""
    reference = "/" + "/".join(request.matchdict["path"])
    file = request.services.results.open_public(reference)
    media_type = media_type_of(file.name)
    if media_type == OCTETS:  # the name does not tell; the job does
        media_type = request.services.results.find_media_type(reference) or OCTETS
    return file_answer(request, file, media_type)


def _next_page(request: Request, job_id: str, name: str, after: int, limit: int) -> list[JsonObject]:
    href = f"{request.urls.job(job_id)}/{name}?after={after}&limit={limit}"
    return render_links([Link(href, "next", JSON)])


def _links(request: Request, job_id: str, name: str) -> list[JsonObject]:
    here = request.urls.job(job_id)
    return render_links([*request.urls.twins(f"{here}/{name}"), Link(here, "up", JSON, "Status of the job")])
