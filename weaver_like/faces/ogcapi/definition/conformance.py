"""Landing page and conformance declaration."""

from weaver_like.faces.ogcapi.documents.urls import Urls, render_links

_PART1 = "http://www.opengis.net/spec/ogcapi-processes-1/"
#: Only what is delivered and tested; tests/conformance has a file for each.
CLASSES = [
    *(
        f"{_PART1}1.0/conf/{name}"
        for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "callback", "dismiss")
    ),
    *(
        f"{_PART1}2.0/conf/{name}"
        for name in (
            "core",
            "ogc-process-description",
            "json",
            "html",
            "oas",
            "oas30",
            "job-list",
            "callback",
            "dismiss",
            "query-param-profile",
        )
    ),
    *(
        f"http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/{name}"
        for name in ("deploy-replace-undeploy", "ogcapppkg", "cwl")
    ),
    *(
        f"http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/{name}"
        for name in ("core", "landing-page", "json", "html", "oas30")
    ),
]
#: Where a container engine answers.
DOCKER_CLASS = "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/docker"


def render_landing(title: str, description: str, urls: Urls) -> dict:
    """Source: OGC 18-062r2, landingPage.yaml."""
    return {"title": title, "description": description, "links": render_links(urls.landing())}


def render_conformance(runs_images: bool) -> dict:
    """Source: OGC 18-062r2, confClasses.yaml."""
    return {"conformsTo": [*CLASSES, *([DOCKER_CLASS] if runs_images else [])]}
