"""`/jobs/{id}/events`: status, progress, steps and log lines as they happen (server-sent events)."""

from collections.abc import Iterator

from pyramid.request import Request
from pyramid.response import Response

from weaver_like.domain.errors import NoSuchJob, ServerBusy
from weaver_like.faces.ogcapi.answer import read_query
from weaver_like.jobs.steps import find_steps
from weaver_like.schemas.job import render_log, render_status
from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.query import PLAIN
from weaver_like.schemas.step import render_change

#: A line is sent at least this often, so that a listener that has gone is noticed and its thread is free again.
_HEARTBEAT_S = 15.0


def get_events(request: Request) -> Response:
    """What is known so far, then what happens, until the job has ended. Source: WHATWG HTML, server-sent events."""
    read_query(request, PLAIN)
    job = request.runtime.jobs.get(request.matchdict["job"])
    if not request.registry.event_places.take():
        raise ServerBusy("Too many clients listen to events already.", retry_after_s=10)
    response = Response(
        headerlist=[("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-store")]
    )
    response.app_iter = _Events(request, job.id)
    return response


class _Events:
    """The body; the server closes it when the client has gone."""

    def __init__(self, request: Request, job_id: str):
        self._request = request
        self._job_id = job_id
        self._open = True
        self._last = 0
        self._steps: dict[int, str] = {}
        self._lines = self._events()

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        self._lines.close()
        if self._open:
            self._open = False
            self._request.registry.event_places.give_back()

    def _events(self) -> Iterator[bytes]:
        if self._request.method == "HEAD":
            return
        jobs = self._request.runtime.jobs
        with self._request.runtime.engine.subscribe(self._job_id) as subscription:
            try:
                yield self._status()
                yield from self._stored()
                yield from self._stored_steps()
                ended = jobs.get(self._job_id).status.final
                while not ended:
                    event = subscription.next(_HEARTBEAT_S)
                    yield from self._stored()
                    if event is None:
                        yield b": still here\n\n"
                    elif event["kind"] == "progress":
                        yield _event("progress", {"progress": event["progress"], "message": event["message"]})
                    elif event["kind"] == "step":
                        yield from self._told_steps(event["steps"])
                    elif event["kind"] == "missed":
                        yield from self._stored_steps()
                    if event is not None and event["kind"] == "closed":
                        break
                    if event is None or event["kind"] in ("status", "missed"):
                        ended = jobs.get(self._job_id).status.final
                        yield b"" if ended or event is None else self._status()
                yield from self._stored()
                yield from self._stored_steps()
                yield self._status()
            except NoSuchJob:
                yield _event("removed", {"jobID": self._job_id})

    def _stored(self) -> Iterator[bytes]:
        """Lines of the log that were not told yet."""
        while entries := self._request.runtime.jobs.read_log(self._job_id, self._last):
            self._last = entries[-1].number
            for entry in render_log(entries):
                yield _event("log", entry, entry["number"])

    def _stored_steps(self) -> Iterator[bytes]:
        """All steps as they are; what was told already is not told again."""
        after = 0
        while steps := find_steps(self._request.runtime, self._job_id, after):
            after = steps[-1].number
            yield from self._told_steps([render_change(step) for step in steps])

    def _told_steps(self, steps: list[dict]) -> Iterator[bytes]:
        for step in steps:
            told = self._steps.get(step["number"], "accepted" if step["status"] != "accepted" else "")
            if told != step["status"] and told in (
                "",
                "accepted",
                "running",
            ):  # an event may be older than what the store said
                self._steps[step["number"]] = step["status"]
                yield _event("step", step)

    def _status(self) -> bytes:
        return _event("status", render_status(self._request.runtime.jobs.get(self._job_id), self._request.urls))


def _event(kind: str, data: dict, number: int | None = None) -> bytes:
    return (f"id: {number}\n".encode() if number else b"") + f"event: {kind}\ndata: ".encode() + dumps(data) + b"\n\n"
