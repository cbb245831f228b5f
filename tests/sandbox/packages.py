"""Small application packages, made in the test: deployed, executed, and what came of it."""

import base64
import io
import itertools
import zipfile
from dataclasses import dataclass

from webtest import TestApp

from tests.support.client import finished
from tests.support.workflows import workflow

_numbers = itertools.count()
#: What the tools of the field say of $0, a folder with a.txt and sub/b.txt in it.
LOOK_INTO = """cd "$0" && find . -type f | sort && find . -type l
    stat -c %F . sub a.txt; basename "$(realpath sub/b.txt)"; ls -l a.txt | cut -c1
    tar -c . | tar -tv | cut -c1 | sort | tr -d '\\n'; cp -a . "$HOME/copy"; find "$HOME/copy" -type f | wc -l"""
SEEN = "./a.txt\n./sub/b.txt\ndirectory\ndirectory\nregular file\nb.txt\n-\n--dd2\n"


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


def zipped(**members: str) -> dict:
    """An archive as it is given for a Directory; a name may have a folder before two underscores."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/") + ".txt", content)
    return {"value": base64.b64encode(target.getvalue()).decode(), "mediaType": "application/zip"}


def literal(name: str, contents: str, **more: object) -> dict:
    return {"class": "File", "basename": name, "contents": contents} | more


def listed(name: str, *listing: dict) -> dict:
    return {"class": "Directory", "basename": name, "listing": list(listing)}


def entries(*listing: object, **more: object) -> dict:
    """Requirements: what is in the output folder before the command begins."""
    return {"InlineJavascriptRequirement": {}, "InitialWorkDirRequirement": {"listing": list(listing)}} | more


def steps(first: dict, second: dict, inputs: dict | None = None, **sources: str) -> dict:
    """A workflow of two steps; its inputs go to the first one under their own names."""
    return {"cwlVersion": "v1.2"} | workflow(
        {
            "first": {"run": first, "in": {name: name for name in inputs or {}}, "out": ["out"]},
            "second": {"run": second, "in": sources, "out": ["out"]},
        },
        inputs or {"nothing": "string?"},
        {"out": {"type": "File", "outputSource": "second/out"}},
    )


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
