"""Small application packages, made in the test: deployed, executed, and what came of it."""

import itertools
from dataclasses import dataclass

from webtest import TestApp

from tests.support.client import finished

_numbers = itertools.count()


def shell(script: str, outputs: dict | None = None, requirements: dict | None = None, **more: object) -> dict:
    """A tool that runs a script; without outputs of its own it gives what the script prints, as `out`."""
    printed = {"stdout": "printed.txt", "outputs": {"out": "stdout"}} if outputs is None else {"outputs": outputs}
    return (
        {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "baseCommand": ["sh", "-c", script],
            "inputs": {},
            "requirements": {"InlineJavascriptRequirement": {}} | (requirements or {}),
        }
        | printed
        | more
    )


def expression(code: str, outputs: dict) -> dict:
    return {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {},
        "outputs": outputs,
        "expression": code,
    }


@dataclass(frozen=True)
class Ran:
    """How a job went. text: of the output `out`; reason: why it failed; log: its lines."""

    job: str
    status: str
    text: str
    reason: str
    log: str


class Packages:
    """Deploys packages to an application and executes them."""

    def __init__(self, app: TestApp):
        self.app = app

    def deploy(self, package: dict, status: int = 201) -> str:
        """The id of the new process."""
        process = f"package-{next(_numbers)}"
        self.last = self.app.post_json(
            f"/processes?id={process}", package, headers={"Content-Type": "application/cwl+json"}, status=status
        )
        return process

    def start(self, package: dict, inputs: dict | None = None) -> str:
        """The id of a job that runs, or will."""
        answer = self.app.post_json(
            f"/processes/{self.deploy(package)}/execution",
            {"inputs": inputs or {}},
            headers={"Prefer": "respond-async"},
            status=201,
        )
        return answer.json["jobID"]

    def run(self, package: dict, inputs: dict | None = None, limit_s: float = 60) -> Ran:
        return self.ended(self.start(package, inputs), limit_s)

    def ended(self, job: str, limit_s: float = 60) -> Ran:
        """Wait until a job has ended."""
        status = finished(self.app, job, limit_s)["status"]
        log = "\n".join(entry["message"] for entry in self.app.get(f"/jobs/{job}/logs?limit=10000").json["logs"])
        answer = self.app.get(
            f"/jobs/{job}/results/out" if status == "successful" else f"/jobs/{job}/results", expect_errors=True
        )
        return Ran(
            job,
            status,
            answer.text if status == "successful" else "",
            answer.json["detail"] if status != "successful" else "",
            log,
        )
