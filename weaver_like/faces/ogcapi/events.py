"""`/jobs/{id}/events`: status, progress, steps and log lines as they happen (server-sent events)."""

from collections.abc import Generator, Iterable, Iterator

from pyramid.response import Response

from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.events import EngineClosed, EventsMissed, ProgressMade, StatusChanged, StepsChanged
from weaver_like.domain.job import Job
from weaver_like.domain.step import Step, StepStatus
from weaver_like.faces.ogcapi.definition.operation import Query
from weaver_like.faces.ogcapi.documents.job import render_log, render_status
from weaver_like.faces.ogcapi.documents.urls import Urls
from weaver_like.faces.request import Request
from weaver_like.schemas.jsontext import JsonObject, dumps
from weaver_like.schemas.step import render_change
from weaver_like.services.jobs import JobService, Subscription

#: A line is sent at least this often, so that a listener that has gone is noticed and its thread is free again.
_HEARTBEAT_S = 15.0


def get_events(request: Request, query: Query) -> Response:
    """What is known so far, then what happens, until the job has ended. Source: WHATWG HTML, server-sent events."""
    jobs = request.services.jobs
    job = jobs.get(request.matchdict["job"])
    jobs.take_listening_place()
    headers = [("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-store")]
    response = Response(headerlist=headers)
    response.app_iter = _Events(jobs, request.urls, job, silent=request.method == "HEAD")
    return response


class _Events:
    """The body; the server closes it when the client has gone."""

    def __init__(self, jobs: JobService, urls: Urls, job: Job, silent: bool):
        self._jobs = jobs
        self._urls = urls
        self._job = job
        self._open = True
        self._last = 0
        self._steps: dict[int, StepStatus] = {}
        self._lines = iter(()) if silent else self._events()

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        if isinstance(self._lines, Generator):
            self._lines.close()
        if self._open:
            self._open = False
            self._jobs.give_listening_place_back()

    def _events(self) -> Iterator[bytes]:
        with self._jobs.listen(self._job.id) as subscription:
            try:
                yield self._status()
                yield from self._stored()
                yield from self._stored_steps()
                yield from self._live(subscription)
                yield from self._stored()
                yield from self._stored_steps()
                yield self._status()
            except NoSuchJob:
                yield _event("removed", {"jobID": self._job.id})

    def _live(self, subscription: Subscription) -> Iterator[bytes]:
        """What happens, until the job has ended or the engine stops."""
        ended = self._ended()
        while not ended:
            event = subscription.next(_HEARTBEAT_S)
            yield from self._stored()
            match event:
                case EngineClosed():
                    return
                case None:
                    yield b": still here\n\n"
                    ended = self._ended()
                case ProgressMade(_, percent, message):
                    yield _event("progress", {"progress": percent, "message": message})
                case StepsChanged(_, steps):
                    yield from self._changed_steps(steps)
                case StatusChanged():
                    ended = self._ended()
                case EventsMissed():
                    yield from self._stored_steps()
                    ended = self._ended()
            if isinstance(event, StatusChanged | EventsMissed) and not ended:
                yield self._status()

    def _ended(self) -> bool:
        return self._jobs.get(self._job.id).status.final

    def _stored(self) -> Iterator[bytes]:
        """Lines of the log that were not sent yet."""
        while entries := self._jobs.read_log(self._job, self._last):
            self._last = entries[-1].number
            for entry in render_log(entries):
                yield _event("log", entry, entry["number"])

    def _stored_steps(self) -> Iterator[bytes]:
        """All steps as they are; what was sent already is not sent again."""
        after, job = 0, self._jobs.get(self._job.id)
        while steps := self._jobs.find_steps(job, after):
            after = steps[-1].number
            yield from self._changed_steps(steps)

    def _changed_steps(self, steps: Iterable[Step]) -> Iterator[bytes]:
        for step in steps:
            sent = self._steps.get(step.number)
            is_newer = sent is None or not sent.ended  # an event may be older than what the store said
            if is_newer and sent is not step.status:
                self._steps[step.number] = step.status
                yield _event("step", render_change(step))

    def _status(self) -> bytes:
        return _event("status", render_status(self._jobs.get(self._job.id), self._urls))


def _event(kind: str, data: JsonObject, number: int | None = None) -> bytes:
    head = f"event: {kind}\ndata: "
    if number:
        head = f"id: {number}\n{head}"
    return head.encode() + dumps(data) + b"\n\n"
