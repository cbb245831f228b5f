"""What a job gives to the jobs that are its steps, and what it gets from them: files go by reference, not by copy."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from weaver_like.domain.errors import FetchFailed, FetchTooLarge, NotFound
from weaver_like.domain.ids import safe_file_name
from weaver_like.domain.job import Job
from weaver_like.domain.masks import shown
from weaver_like.domain.messages import OutputArray, OutputFile, OutputValue, RunOutput
from weaver_like.domain.process import Process
from weaver_like.domain.references import own_reference
from weaver_like.domain.results import Result
from weaver_like.domain.values import Occurrences
from weaver_like.fetchers.base import NO_HEADERS, Fetched, FetchLimits
from weaver_like.jobs.outputs import outputs_url, work_file
from weaver_like.jobs.own import OwnResults
from weaver_like.runtime import Runtime
from weaver_like.schemas.inputs import parse_inputs
from weaver_like.schemas.jsontext import JsonObject


class GivenFiles(OwnResults):
    """Of a job that another one waits for: what that one has published for it is not copied, where that is possible."""

    def __init__(self, rt: Runtime, job: Job):
        super().__init__(rt, job.base_url)
        self._area = rt.area
        self._parent = f"/{job.parent_id}/"
        self._url = outputs_url(rt.settings, job.base_url)

    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        reference = own_reference(uri, (self._url,))
        if reference is None or not reference.startswith(self._parent):
            return super().fetch(uri, target, limits, headers)
        try:
            stored = self._area.bring(unquote(reference), target, limits.proceed)
        except NotFound as error:
            raise FetchFailed(error.detail) from error
        if stored.size_bytes > limits.max_bytes:
            raise FetchTooLarge(
                f"'{shown(uri)}' has {stored.size_bytes} bytes; at most {limits.max_bytes} are allowed."
            )
        return Fetched(None, stored.name, stored.size_bytes)


class Exchange:
    """Between one running job and its steps.

    `proceed`: called between chunks of what must be copied; raises to stop.

    Attributes:
        published: references of what was published.
    """

    def __init__(self, rt: Runtime, job: Job, workdir: Path):
        self._rt = rt
        self._job = job
        self._workdir = workdir
        self._url = outputs_url(rt.settings, job.base_url)
        self._folders = itertools.count(1)
        self.published: list[str] = []

    def give(
        self, given: Mapping[str, RunOutput], process: Process, proceed: Callable[[], None]
    ) -> dict[str, Occurrences]:
        """What a step gives to a process, as inputs of an execution; its files are published for that.

        Raises: RunFailed, if a file is not in the work folder or cannot be kept; whatever `proceed` raises.
        """
        inputs: JsonObject = {name: self._given(name, output, proceed) for name, output in given.items()}
        return parse_inputs(inputs, process)

    def _given(self, name: str, output: RunOutput, proceed: Callable[[], None]) -> Any:
        match output:
            case OutputArray(items):
                return [self._given(name, item, proceed) for item in items]
            case OutputFile(path, media_type):
                link = {"href": self._publish(name, path, proceed)}
                return link | {"type": media_type} if media_type else link
            case OutputValue(value, files):
                for *folders, last in files:
                    part: Any = value
                    for step in folders:
                        part = part[step]
                    part[last] = self._publish(name, part[last], proceed)
                return value

    def _publish(self, name: str, path: str, proceed: Callable[[], None]) -> str:
        """The public URL of a file of the work folder."""
        file = work_file(name, Path(path), self._workdir)
        reference = self._rt.area.publish(self._job.id, name, file, proceed).reference
        self.published.append(reference)
        return self._url + quote(reference)

    def bring(self, results: Iterable[Result], proceed: Callable[[], None]) -> dict[str, RunOutput]:
        """Results of a step, in the work folder. Any thread may call.

        Raises: NotFound, Unavailable; OSError; whatever `proceed` raises.
        """
        single: dict[str, RunOutput] = {}
        several: dict[str, list[OutputValue | OutputFile]] = {}
        for result in results:
            output = self._brought(result, proceed)
            if result.index is None:
                single[result.output] = output
            else:
                several.setdefault(result.output, []).append(output)
        return single | {name: OutputArray(tuple(items)) for name, items in several.items()}

    def _brought(self, result: Result, proceed: Callable[[], None]) -> OutputValue | OutputFile:
        if result.path is not None:
            format_uri = result.format.schema
            file = self._place(result.path, proceed)
            return OutputFile(file, result.format.media_type, format_uri if isinstance(format_uri, str) else None)
        root: list[Any] = [result.value]
        files = []
        for where in result.references:
            *steps, last = (0, *where)
            part: Any = root
            for step in steps:
                part = part[step]
            if last == "location":
                part[last] = self._place(unquote(part[last]), proceed)
                files.append(where)
            else:
                part[last] = self._url + part[last]
        return OutputValue(root[0], tuple(files))

    def _place(self, reference: str, proceed: Callable[[], None]) -> str:
        """The path of a result file in the work folder."""
        folder = self._workdir / "brought" / str(next(self._folders))
        folder.mkdir(parents=True)
        target = folder / safe_file_name(reference)
        self._rt.area.bring(reference, target, proceed)
        return str(target)
