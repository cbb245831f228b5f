"""The server as its clients see it: packages are tried and deployed, executed, waited for and read, over HTTP."""

import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from tests.conformance.cwl import bundle, results
from tests.conformance.cwl.compare import Mismatch
from tests.support.waiting import wait_until

#: Answers that say: this document, or these inputs, cannot be run. Not among
#: them: what an address or a load is answered with.
_REFUSALS = (400, 403, 413, 415, 422)
#: The last part of an exception's type. Source: ogcapi-processes 2.0 draft, of a job without results.
_NO_RESULTS = "/result-not-available"
_ENDED = ("successful", "failed", "dismissed")
#: Longer than a server takes to look at the largest package.
_REQUEST_LIMIT_S = 180


class Refused(Exception):
    """The server does not take the process or its inputs; the text says why."""


class JobFailed(Refused):
    """The job failed, or was dismissed; the text says why."""


class JobHung(Mismatch):
    """The job has not ended in time; it was dismissed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    headers: dict[str, str]
    body: bytes

    def expect(self, *statuses: int) -> "Answer":
        """Itself. Raises: Refused for a refusal, Mismatch for any other status."""
        if self.status in statuses:
            return self
        text = f"{self.status} {_detail(self.body)}"
        raise Refused(text) if self.status in _REFUSALS else Mismatch(f"the server answered {text}")


@dataclass(frozen=True, slots=True)
class Server:
    """url: no trailing slash.  job_limit_s: after this time a job hangs. Any number of threads may use one."""

    url: str
    job_limit_s: float = 120

    def get_json(self, url: str) -> dict:
        """The document at a URL, or at a path of the server. Raises: Refused, Mismatch."""
        return json.loads(self.request("GET", url).expect(200).body)

    def try_deployment(self, package: bundle.Bundle, name: str) -> None:
        """Send a package as a dry run. Raises: Refused, Mismatch."""
        self._deploy(package, {"id": _process_id(name), "dryRun": "true"}, 200)

    @contextmanager
    def deployed(self, package: bundle.Bundle, name: str, process: str | None = None) -> Iterator[str]:
        """The id of a process, deployed under an id of its own that begins with the name; it is removed in the end."""
        process_id = _process_id(name)
        answer = self._deploy(package, {"id": process_id} | ({"w": process} if process else {}), 201)
        if not answer.headers.get("location"):
            raise Mismatch("the deployment was answered without a Location")
        try:
            yield process_id
        finally:
            self.request("DELETE", f"/processes/{process_id}").expect(204)

    def execute(self, process_id: str, inputs: dict) -> object:
        """The results document of a job, files by reference.

        Raises: Refused, JobFailed, JobHung, Mismatch.
        """
        wanted = results.wanted_outputs(self.get_json(f"/processes/{process_id}"))
        body = {"inputs": inputs, "response": "document"} | ({"outputs": wanted} if wanted else {})
        answer = self.request(
            "POST",
            f"/processes/{process_id}/execution",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Prefer": "respond-async"},
        ).expect(201)
        return self._results(answer.headers["location"])

    def fetch(self, url: str) -> bytes:
        """The content of an output. Raises: Mismatch."""
        answer = self.request("GET", url, headers={"Accept": "*/*"})
        if answer.status != 200:
            raise Mismatch(f"an output at {url} is answered with {answer.status}")
        return answer.body

    def request(self, method: str, url: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
        """Any answer of the server. Raises: OSError, if there is none."""
        given = {"Accept": "application/json"} | (headers or {})
        request = urllib.request.Request(urljoin(f"{self.url}/", url), data=body, method=method, headers=given)
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_LIMIT_S) as answer:
                return Answer(
                    answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read())

    def _deploy(self, package: bundle.Bundle, query: dict[str, str], status: int) -> Answer:
        content_type, body = bundle.render(package)
        headers = {"Content-Type": content_type}
        return self.request("POST", f"/processes?{urlencode(query)}", body, headers).expect(status)

    def _results(self, job_url: str) -> object:
        def ended() -> dict | None:
            document = self.get_json(job_url)
            return document if document["status"] in _ENDED else None

        try:
            status = wait_until(ended, self.job_limit_s, "the end of the job")
        except Mismatch:
            raise
        except AssertionError as error:
            self.request("DELETE", job_url)
            raise JobHung(str(error)) from error
        if status["status"] != "successful":
            raise JobFailed(f"the job {status['status']}: {self._failure(job_url) or status.get('message', '')}")
        answer = self.request("GET", f"{job_url}/results")
        if answer.status == 404 and _NO_RESULTS in answer.body.decode("utf-8", "replace"):
            return {}
        answer.expect(200, 204)
        return json.loads(answer.body) if answer.body else {}

    def _failure(self, job_url: str) -> str:
        """What the results of a failed job say."""
        return _detail(self.request("GET", f"{job_url}/results").body, whole=False)


def _process_id(name: str) -> str:
    return f"{re.sub('[^A-Za-z0-9._-]', '-', name)[:100].lstrip('._-') or 'process'}-{secrets.token_hex(4)}"


def _detail(body: bytes, whole: bool = True) -> str:
    """What a problem document says; of anything else its beginning, if the whole is wanted."""
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body)["detail"])[:600]
    return body.decode("utf-8", "replace")[:600] if whole else ""
