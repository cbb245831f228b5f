"""One test through HTTP: deploy, execute, wait, read the results, compare, remove."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.cwl import bundle, results
from tests.conformance.cwl.compare import Mismatch, compare
from tests.conformance.cwl.inputs import Dress, Place, execution_inputs
from tests.conformance.cwl.server import Refused, Server
from tests.conformance.cwl.suite import DOCKER_VARIABLE, Case

_OVERRIDES = (
    "cwl:requirements among the inputs would let whoever executes a process "
    "change what its author and the operator allow"
)
#: Test id -> why it cannot pass through an HTTP API. One that passes all the same is a failure.
KNOWN: dict[str, str] = dict.fromkeys(
    ("cwl_requirements_addition", "cwl_requirements_override_expression", "cwl_requirements_override_static"),
    _OVERRIDES,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """verdict: passed, failed, skipped or known.  reason: also of a test that should fail, and did."""

    case: Case
    verdict: str
    reason: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Driver:
    """suite: folder of the suite.  files_url: of the web server for its files.

    dress: what stands for the files of the inputs.  with_docker: attempt tests that need a container.
    known: test id -> why it cannot pass. Any number of threads may use one driver.
    """

    server: Server
    suite: Path
    files_url: str
    dress: Dress = Dress.CWL
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

    def _outputs(self, case: Case) -> object:
        place = Place(self.suite, self.files_url)
        package = bundle.collect(case.tool, address=place.file_address if self.dress is Dress.OGC else None)
        inputs = execution_inputs(case, package, place, self.dress)
        with self.server.deployed(package, case.id, case.process) as process_id:
            document = self.server.execute(process_id, inputs)
        return results.collect(document, self.server.fetch)
