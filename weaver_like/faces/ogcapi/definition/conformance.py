"""Landing page and conformance declaration."""

from weaver_like.faces.ogcapi.documents.urls import Urls, render_links
from weaver_like.schemas.jsontext import JsonObject

_SPECIFICATIONS = "http://www.opengis.net/spec/"
_PROCESS_CLASSES = ("core", "ogc-process-description", "json", "html")
_JOB_CLASSES = ("job-list", "callback", "dismiss")
#: Only what is implemented and tested; tests/conformance has a file for each.
_DECLARED = {
    "ogcapi-processes-1/1.0": (*_PROCESS_CLASSES, "oas30", *_JOB_CLASSES),
    "ogcapi-processes-1/2.0": (*_PROCESS_CLASSES, "oas", "oas30", *_JOB_CLASSES, "query-param-profile"),
    "ogcapi-processes-2/1.0": ("deploy-replace-undeploy", "ogcapppkg", "cwl"),
    "ogcapi-common-1/1.0": ("core", "landing-page", "json", "html", "oas30"),
}
CLASSES = [f"{_SPECIFICATIONS}{part}/conf/{name}" for part, names in _DECLARED.items() for name in names]
#: Declared where a container engine answers.
DOCKER_CLASS = f"{_SPECIFICATIONS}ogcapi-processes-2/1.0/conf/docker"


def render_landing(title: str, description: str, urls: Urls) -> JsonObject:
    """Source: OGC 18-062r2, landingPage.yaml."""
    return {"title": title, "description": description, "links": render_links(urls.landing())}


def render_conformance(runs_images: bool) -> JsonObject:
    """Source: OGC 18-062r2, confClasses.yaml."""
    classes = list(CLASSES)
    if runs_images:
        classes.append(DOCKER_CLASS)
    return {"conformsTo": classes}
