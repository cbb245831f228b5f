"""The runner of the foreign system, and the process that it offers."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from weaver_like.domain.errors import RunFailed, Unavailable
from weaver_like.domain.followed import RunState
from weaver_like.domain.messages import InputReference, InputValue, OutputFile, OutputValue, RunOutput
from weaver_like.domain.status import Status
from weaver_like.runners.base import FollowedRunner
from weaver_like.sandbox.messages import RunJob

KIND = "foreign"
#: What the process is like; nobody runs the function.
PLUGIN = '''
from weaver_like.authoring import File, process

@process(id="elsewhere", outputs={"text": str, "file": File})
def elsewhere(seconds: float = 0, end: str = "successful", data: File | None = None) -> dict:
    """Runs in the foreign system."""

@process(id="elsewhere-limited", time_limit_s=4, outputs={"text": str})
def elsewhere_limited(seconds: float = 0, end: str = "successful") -> dict:
    """The same with little time."""

@process(id="elsewhere-silent", outputs={"text": str})
def elsewhere_silent(seconds: float = 0, end: str = "successful") -> dict:
    """The same, in a system that does not know whose its runs are."""
'''


@dataclass(frozen=True)
class ForeignRunner(FollowedRunner):
    """Speaks with the system at `url`."""

    url: str = ""

    def start(self, task: RunJob, workdir: Path) -> str:
        given = {name: _told(items[0]) for name, items in task.inputs.items()}
        asked = {"seconds": 0, "end": "successful"} | given | {"job": task.job_id, "staged": os.listdir(workdir)}
        return self._ask("POST", "/runs", asked)

    def find(self, job_id: str, target: Mapping[str, Any]) -> str | None:
        if target["name"] == "elsewhere-silent":
            return super().find(job_id, target)
        found = self._ask("GET", f"/runs?job={job_id}")
        return found[0] if found else None

    def look(self, handle: str) -> RunState:
        state = self._ask("GET", f"/runs/{handle}")
        return RunState(Status(state["status"]), state.get("percent"), state["message"])

    def collect(self, handle: str, outputs: Mapping[str, str | None], workdir: Path) -> Mapping[str, RunOutput]:
        (workdir / "result.txt").write_text(f"of {handle}")
        given = {"text": OutputValue(handle), "file": OutputFile("result.txt", "text/plain")}
        return {name: given[name] for name in outputs}

    def release(self, handle: str) -> None:
        self._ask("DELETE", f"/runs/{handle}", gone=True)

    def _ask(self, method: str, path: str, body: object = None, gone: bool = False) -> Any:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path, json.dumps(body), {"From": str(os.getpid())})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise Unavailable(f"The foreign system does not answer: {error}.") from error
        finally:
            connection.close()
        if answer.status == 503:
            raise Unavailable("The foreign system is away.")
        if answer.status == 404 and not gone:
            raise RunFailed("The foreign system knows no such run.")
        return json.loads(text)


def _told(item: object) -> object:
    if isinstance(item, InputValue):
        return item.value
    return item.href if isinstance(item, InputReference) else str(item)
