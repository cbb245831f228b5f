"""One test through HTTP: deploy, execute, wait, read the results, compare, remove."""

import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urljoin

from tests.conformance.cwl import bundle, results
from tests.conformance.cwl.compare import Mismatch, compare
from tests.conformance.cwl.inputs import execution_inputs
from tests.conformance.cwl.suite import DOCKER_VARIABLE, Case
from tests.support.waiting import wait_until

_OVERRIDES = (
    "cwl:requirements among the inputs would let whoever executes a process "
    "change what its author and the operator allow"
)
#: Test id -> why it cannot pass through an HTTP API. One that passes all the same is a failure.
KNOWN: dict[str, str] = dict.fromkeys(
    ("cwl_requirements_addition", "cwl_requirements_override_expression", "cwl_requirements_override_static"),
    _OVERRIDES,
)
#: Answers that say: this document, or these inputs, cannot be run. Not among
#: them: what an address or a load is answered with.
_REFUSALS = (400, 403, 413, 415, 422)
#: The last part of an exception's type. Source: ogcapi-processes 2.0 draft, of a job without results.
_NO_RESULTS = "/result-not-available"
_ENDED = ("successful", "failed", "dismissed")
_REQUEST_LIMIT_S = 60


class Refused(Exception):
    """The server does not take the process or its inputs, or the job failed; the text says why."""


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
        text = f"{self.status} {self.body.decode('utf-8', 'replace')[:600]}"
        raise Refused(text) if self.status in _REFUSALS else Mismatch(f"the server answered {text}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """verdict: passed, failed, skipped or known.  reason: also of a test that should fail, and did."""

    case: Case
    verdict: str
    reason: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Driver:
    """url: of the server, no trailing slash.  suite: folder of the suite.  files_url: of the web server for its files.

    job_limit_s: after this time a job hangs.  with_docker: attempt tests that need a container.  known:
    test id -> why it cannot pass. Any number of threads may use one driver.
    """

    url: str
    suite: Path
    files_url: str
    job_limit_s: float = 120
    with_docker: bool = False
    known: Mapping[str, str] = field(default_factory=lambda: KNOWN)

    def run(self, case: Case) -> Outcome:
        """Run one test; a test that fails raises nothing."""
        began = time.monotonic()
        reason = self.skip_reason(case)
        if reason:
            return Outcome(case, "skipped", reason, 0)
        try:
            verdict, reason = "passed", self.check(case)
        except (AssertionError, OSError, ValueError) as error:
            verdict, reason = (
                "failed",
                str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}",
            )
        if case.id in self.known:
            verdict, reason = (
                ("failed", "it passes: take it off KNOWN") if verdict == "passed" else ("known", self.known[case.id])
            )
        return Outcome(case, verdict, reason, time.monotonic() - began)

    def skip_reason(self, case: Case) -> str:
        """Why a test is not attempted; an empty text if it is."""
        if not self.with_docker and ("docker" in case.tags or bundle.needs_docker(bundle.collect(case.tool))):
            return f"it needs a container engine: {DOCKER_VARIABLE}=1"
        return ""

    def check(self, case: Case) -> str:
        """Why a test that should fail was refused, else an empty text.

        Raises: Mismatch, AssertionError, OSError, ValueError.
        """
        try:
            outputs = self._outputs(case)
        except Refused as refused:
            if case.should_fail:
                return str(refused)
            raise Mismatch(str(refused)) from refused
        if case.should_fail:
            raise Mismatch(f"it should fail; it gave {outputs!r}")
        compare(case.expected, outputs)
        return ""

    def get_json(self, url: str) -> dict:
        """The document at a URL, or at a path of the server. Raises: Refused, Mismatch."""
        return json.loads(self._request("GET", url).expect(200).body)

    def _outputs(self, case: Case) -> object:
        package = bundle.collect(case.tool)
        inputs = execution_inputs(case, package, self.suite, self.files_url)
        with self._deployed(case, package) as process_id:
            wanted = results.wanted_outputs(self.get_json(f"/processes/{process_id}"))
            body = {"inputs": inputs, "response": "document"} | ({"outputs": wanted} if wanted else {})
            answer = self._request(
                "POST",
                f"/processes/{process_id}/execution",
                json.dumps(body).encode(),
                {"Content-Type": "application/json", "Prefer": "respond-async"},
            ).expect(201)
            document = self._results(answer.headers["location"])
        return results.collect(document, self._fetch)

    @contextmanager
    def _deployed(self, case: Case, package: bundle.Bundle) -> Iterator[str]:
        """The process of a test, deployed under an id of its own; it is removed in the end."""
        process_id = f"{re.sub('[^A-Za-z0-9._-]', '-', case.id)[:100]}-{secrets.token_hex(4)}"
        content_type, body = bundle.render(package)
        query = urlencode({"id": process_id} | ({"w": case.process} if case.process else {}))
        answer = self._request("POST", f"/processes?{query}", body, {"Content-Type": content_type}).expect(201)
        if not answer.headers.get("location"):
            raise Mismatch("the deployment was answered without a Location")
        try:
            yield process_id
        finally:
            self._request("DELETE", f"/processes/{process_id}").expect(204)

    def _results(self, job_url: str) -> object:
        """The results document of a job, with full addresses in place.

        Raises: Refused if the job failed, Mismatch if it hangs.
        """

        def ended() -> dict | None:
            document = self.get_json(job_url)
            return document if document["status"] in _ENDED else None

        try:
            status = wait_until(ended, self.job_limit_s, "the end of the job")
        except AssertionError as error:
            self._request("DELETE", job_url)
            raise Mismatch(str(error)) from error
        if status["status"] != "successful":
            raise Refused(f"the job {status['status']}: {self._failure(job_url) or status.get('message', '')}")
        answer = self._request("GET", f"{job_url}/results")
        if answer.status == 404 and _NO_RESULTS in answer.body.decode("utf-8", "replace"):
            return {}
        answer.expect(200, 204)
        return json.loads(answer.body) if answer.body else {}

    def _failure(self, job_url: str) -> str:
        """What the results of a failed job say."""
        answer = self._request("GET", f"{job_url}/results")
        with suppress(ValueError):
            return str(json.loads(answer.body).get("detail", ""))[:600]
        return ""

    def _fetch(self, url: str) -> bytes:
        answer = self._request("GET", url, headers={"Accept": "*/*"})
        if answer.status != 200:
            raise Mismatch(f"an output at {url} is answered with {answer.status}")
        return answer.body

    def _request(self, method: str, url: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
        given = {"Accept": "application/json"} | (headers or {})
        request = urllib.request.Request(urljoin(f"{self.url}/", url), data=body, method=method, headers=given)
        try:
            with urllib.request.urlopen(request, timeout=_REQUEST_LIMIT_S) as answer:
                return Answer(
                    answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read())
