"""Every path of the API in one table; the OpenAPI document is made from the same table (faces/ogcapi/definition/openapi.py)."""

from collections.abc import Callable

from cornice import Service
from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException

from weaver_like.domain.errors import WeaverError
from weaver_like.faces.ogcapi import (
    deployment,
    events,
    execution,
    folders,
    health,
    jobs,
    landing,
    problems,
    processes,
    reports,
    results,
    schedules,
)
from weaver_like.faces.ogcapi.definition.openapi import OPERATIONS

VIEWS: dict[str, Callable] = {
    "getLandingPage": landing.get_landing,
    "getConformance": landing.get_conformance,
    "getApi": landing.get_api,
    "getProcesses": processes.list_processes,
    "getProcess": processes.get_process,
    "execute": execution.execute,
    "executeAlias": execution.execute,
    "deployProcess": deployment.deploy_process,
    "replaceProcess": deployment.replace,
    "undeployProcess": deployment.remove,
    "patchProcess": deployment.patch,
    "getPackage": deployment.get_package,
    "getRevisions": deployment.get_revisions,
    "getPlugins": processes.list_plugins,
    "getLive": health.get_live,
    "getReady": health.get_ready,
    "getJobs": jobs.list_jobs,
    "getJob": jobs.get_job,
    "dismissJob": jobs.dismiss,
    "getResults": results.get_job_results,
    "getOutput": results.get_job_output,
    "getMember": folders.get_member,
    "getInputs": reports.get_inputs,
    "getOutputs": reports.get_outputs,
    "getLog": reports.get_log,
    "getEvents": events.get_events,
    "getSteps": reports.get_steps,
    "getExceptions": reports.get_exceptions,
    "getStatistics": reports.get_statistics,
    "getFile": reports.get_file,
    "getSchedules": schedules.list_schedules,
    "addSchedule": schedules.add_schedule,
    "getSchedule": schedules.get_schedule,
    "removeSchedule": schedules.delete_schedule,
}


class Endpoint(Service):
    """A cornice service without its own checks of bodies: ours answer with problem documents."""

    default_validators: list = []
    default_filters: list = []


def add_routes(config: Configurator) -> None:
    """Register every operation, and the one place where errors are rendered."""
    services: dict[str, Endpoint] = {}
    for operation in OPERATIONS:
        path = operation.path.replace("{path}", "*path")
        service = services.setdefault(path, Endpoint(name=operation.path, path=path))
        service.add_view(operation.method.upper(), VIEWS[operation.id])
    for service in services.values():
        config.add_cornice_service(service)
    config.add_exception_view(problems.on_error, context=WeaverError)
    config.add_exception_view(problems.on_http_exception, context=HTTPException)
    config.add_exception_view(problems.on_bad_url, context=URLDecodeError)
    config.add_exception_view(problems.on_exception, context=Exception)
    config.add_notfound_view(problems.on_http_exception, append_slash=False)
    config.add_forbidden_view(problems.on_http_exception)
