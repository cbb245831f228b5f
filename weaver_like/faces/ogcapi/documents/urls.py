"""Every public URL of the API, and the links between its documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from weaver_like.domain.formats import HTML, JSON
from weaver_like.domain.job import Job
from weaver_like.domain.links import OGC, OGC_HTTPS, PROFILE_PROCESS, Link
from weaver_like.domain.references import make_value_absolute
from weaver_like.domain.results import Result
from weaver_like.domain.schedule import Schedule
from weaver_like.domain.status import Status
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.settings import Settings

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


@dataclass(frozen=True, slots=True)
class Urls:
    """URLs below one public root.

    Args:
        base: without trailing slash.
        outputs: public URL of the output area, without trailing slash.
    """

    base: str
    outputs: str

    @classmethod
    def of(cls, settings: Settings, base: str) -> "Urls":
        """The URLs of a server. base: as the request names it, or the one under which a job was submitted."""
        return cls(base, settings.files.outputs_url.rstrip("/") or f"{base}/outputs")

    def process(self, process_id: str) -> str:
        """process_id: an id, or `id:version`."""
        return f"{self.base}/processes/{quote(process_id, safe=':')}"

    def job(self, job_id: str) -> str:
        return f"{self.base}/jobs/{job_id}"

    def schedule(self, schedule_id: str) -> str:
        return f"{self.base}/schedules/{schedule_id}"

    def output(self, job_id: str, output: str, index: int | None = None) -> str:
        """An output, or one item of an output that is an array."""
        url = f"{self.base}/jobs/{job_id}/results/{quote(output, safe='', errors='replace')}"
        return url if index is None else f"{url}/{index}"

    def result(self, job_id: str, result: Result) -> str:
        """Where one result can be read: the file in the output area, or the resource of a value."""
        if result.path:
            return self.outputs + quote(result.path)
        return self.output(job_id, result.output, result.index)

    def value(self, result: Result) -> object:
        """The value of a result; references to files of the output area become URLs."""
        return make_value_absolute(result, self.outputs)

    def landing(self) -> list[Link]:
        return [
            Link(f"{self.base}/", "self", JSON, "This document"),
            Link(f"{self.base}/?f=html", "alternate", HTML, "This document as HTML"),
            Link(f"{self.base}/api", "service-desc", OPENAPI, "API definition (OpenAPI 3.0)"),
            Link(f"{self.base}/api?f=html", "service-doc", HTML, "API documentation"),
            Link(f"{self.base}/conformance", OGC + "conformance", JSON, "Conformance classes"),
            Link(f"{self.base}/conformance", "conformance", JSON, "Conformance classes"),
            Link(f"{self.base}/processes", OGC + "processes", JSON, "Processes"),
            Link(f"{self.base}/processes", "processes", JSON, "Processes"),
            Link(f"{self.base}/jobs", OGC + "job-list", JSON, "Jobs"),
            Link(f"{self.base}/schedules", "related", JSON, "Schedules"),
            Link(f"{self.base}/plugins", "related", JSON, "Plugins"),
        ]

    def twins(self, url: str, rel: str = "self") -> list[Link]:
        """A document and its HTML form. Source: /req/core/pl-links."""
        mark = "&" if "?" in url else "?"
        return [Link(url, rel, JSON), Link(f"{url}{mark}f=html", "alternate", HTML)]

    def of_process(self, process_id: str, full: bool) -> list[Link]:
        """Links of a summary or (full) of a description.

        Source: /req/core/process-summary-links, /req/ogc-process-description/links.
        """
        links = self.twins(self.process(process_id))
        links.append(Link(f"{self.process(process_id)}/execution", OGC + "execute", JSON, "Execution endpoint"))
        if full:
            jobs = f"{self.base}/jobs?processID={quote(process_id, safe='')}"
            links += [
                Link(PROFILE_PROCESS, "profile"),
                Link(f"{self.base}/", "service", JSON, "Landing page"),
                Link(f"{self.base}/processes", "up", JSON, "Processes"),
                Link(jobs, OGC + "job-list", JSON, "Jobs of this process"),
            ]
        return links

    def of_version(self, process_id: str, version: str) -> list[Link]:
        """Where one revision of a deployed process is."""
        here = self.process(f"{process_id}:{version}")
        return [Link(here, "self", JSON), Link(f"{here}/package", "package", title="What was deployed")]

    def of_revision(self, process_id: str, version: str, versions: Sequence[str]) -> list[Link]:
        """Links of a description to its package and to other revisions.

        Args:
            versions: newest first.
        Source: RFC 5829.
        """
        links = [
            self.of_version(process_id, version)[1],
            Link(f"{self.process(process_id)}/revisions", "version-history", JSON, "All versions"),
            Link(self.process(process_id), "latest-version", JSON, "The current version"),
        ]
        if version not in versions:
            return links
        place = versions.index(version)
        neighbours = {"predecessor-version": place + 1, "successor-version": place - 1}
        for rel, other in neighbours.items():
            if 0 <= other < len(versions):
                url = self.process(f"{process_id}:{versions[other]}")
                links.append(Link(url, rel, JSON, f"Version {versions[other]}"))
        return links

    def of_job(self, job: Job) -> list[Link]:
        """Links of a status document; results have both spellings of their relation, for clients of either.

        Source: /rec/core/job-links.
        """
        here = self.job(job.id)
        links = [
            *self.twins(here),
            *self.of_listed(job)[1:],
            Link(self.process(job.process_id), "process-desc", JSON, "Process description"),
        ]
        if job.status is Status.SUCCESSFUL:
            links += [
                Link(f"{here}/results?f=json", OGC_HTTPS + "results", JSON, "Results"),
                Link(f"{here}/outputs", "outputs", JSON, "Outputs, as links"),
            ]
        links += [
            Link(f"{here}/inputs", "inputs", JSON, "Inputs"),
            Link(f"{here}/logs", OGC + "log", JSON, "Log"),
            Link(f"{here}/steps", "steps", JSON, "Steps"),
            Link(f"{here}/events", "events", "text/event-stream", "Live status and log"),
            Link(f"{here}/statistics", "statistics", JSON, "Resources used"),
            Link(f"{self.base}/jobs", "up", JSON, "Jobs"),
        ]
        if job.schedule_id:
            links.append(Link(self.schedule(job.schedule_id), "related", JSON, "The schedule that fired the job"))
        return links

    def of_schedule(self, schedule: Schedule) -> list[Link]:
        """Links of a schedule: its process, and the job that it submitted last."""
        links = [
            *self.twins(self.schedule(schedule.id)),
            Link(self.process(schedule.process_id), "process-desc", JSON, "Process description"),
        ]
        if schedule.last_job_id:
            links.append(Link(self.job(schedule.last_job_id), "related", JSON, "The last job"))
        return [*links, Link(f"{self.base}/schedules", "up", JSON, "Schedules")]

    def of_listed(self, job: Job) -> list[Link]:
        """Links of a job in a list."""
        here = self.job(job.id)
        links = [Link(here, "self", JSON), Link(here, "monitor", JSON, "Status of the job")]
        if job.status is Status.SUCCESSFUL:
            # Without `f` the execute request decides, e.g. for multipart/related.
            links.append(Link(f"{here}/results?f=json", OGC + "results", JSON, "Results"))
        if job.status is Status.FAILED:
            links.append(Link(f"{here}/exceptions", OGC + "exceptions", JSON, "Why it failed"))
        return links


def render_link(link: Link) -> JsonObject:
    given = {"href": link.href, "rel": link.rel, "type": link.type, "title": link.title}
    return {key: value for key, value in given.items() if value is not None}


def render_links(links: list[Link]) -> list[JsonObject]:
    return [render_link(link) for link in links]
