"""`OwnResults`: links to results of this server as inputs, read where they lie instead of asked of ourselves."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from weaver_like.domain.errors import FetchFailed, FetchTooLarge, NoSuchJob, NotFound
from weaver_like.domain.formats import JSON
from weaver_like.domain.ids import staged_file_name
from weaver_like.domain.job import Job
from weaver_like.domain.masks import shown
from weaver_like.domain.references import make_value_absolute, own_reference
from weaver_like.fetchers.base import NO_HEADERS, Fetched, FetchLimits
from weaver_like.files.stage import OwnFiles
from weaver_like.jobs.outputs import own_locations
from weaver_like.runtime import Runtime
from weaver_like.schemas.jsontext import dumps

_OUTPUT = re.compile(r"/jobs/([^/]+)/results/([^/]+)\Z")


class OwnResults(OwnFiles):
    """Results of jobs of this server, by their links.

    Args:
        base_url: public URL of this server, as whoever sent the link knows it.
        get_job: a job that may be read from; raises NoSuchJob.
    """

    def __init__(self, rt: Runtime, base_url: str, get_job: Callable[[str], Job] | None = None):
        self._rt = rt
        self._get_job = get_job or rt.store.jobs.get
        self._base_url = base_url

    @cached_property
    def _bases(self) -> list[str]:
        return [base.rstrip("/") for base in (self._rt.settings.server.url, self._base_url) if base]

    @cached_property
    def _locations(self) -> list[str]:
        urls = own_locations(self._rt.settings, self._base_url)
        return [url for url in urls if url.startswith(("http://", "https://"))]

    def owns(self, uri: str) -> bool:
        """Whether a link leads to a result of this server, whether there is such a result or not."""
        return own_reference(uri, self._locations) is not None or self._output_of(uri) is not None

    def check(self, uri: str) -> None:
        """Raises: FetchFailed, if there is no such result; Unavailable."""
        self._find(uri)

    def fetch(self, uri: str, target: Path, limits: FetchLimits, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        """Copy a result into the new file `target`. Raises: FetchFailed, Unavailable; whatever `proceed` raises."""
        name, media_type, size_bytes, chunks = self._find(uri)
        if size_bytes > limits.max_bytes:
            raise FetchTooLarge(f"'{shown(uri)}' has {size_bytes} bytes; at most {limits.max_bytes} are allowed.")
        with target.open("xb") as file:
            for chunk in chunks():
                limits.proceed()
                file.write(chunk)
        return Fetched(media_type, staged_file_name(name), size_bytes)

    def _find(self, uri: str) -> tuple[str, str | None, int, Callable[[], Iterator[bytes]]]:
        """Name, media type, size and bytes."""
        try:
            reference, output = own_reference(uri, self._locations), self._output_of(uri)
            if reference is None and output is not None:
                return self._of_output(*output)
            return self._of_file(unquote((reference or "").partition("?")[0].partition("#")[0]), None)
        except (NoSuchJob, NotFound) as error:
            raise FetchFailed(f"There is no result '{shown(uri)}'.") from error

    def _of_output(self, job_id: str, output: str) -> tuple[str, str | None, int, Callable[[], Iterator[bytes]]]:
        job = self._get_job(job_id)
        documents = self._rt.store.jobs.get_documents(job.id)
        found = [result for result in documents.results if result.output == output]
        if len(found) != 1:
            raise NotFound(f"Job '{job_id}' has no single result '{output}'.")
        result = found[0]
        if result.path is not None:
            return self._of_file(result.path, result.format.media_type)
        content = dumps(make_value_absolute(result, self._locations[0]))
        return f"{output}.json", result.format.media_type or JSON, len(content), lambda: iter([content])

    def _of_file(
        self, reference: str, media_type: str | None
    ) -> tuple[str, str | None, int, Callable[[], Iterator[bytes]]]:
        """As the job says, what the file is."""
        job = self._get_job(reference.split("/")[1])
        stored = self._rt.area.get(reference)
        if media_type is None:
            results = self._rt.store.jobs.get_documents(job.id).results
            media_type = next((result.format.media_type for result in results if result.path == reference), None)
        return stored.name, media_type, stored.size_bytes, stored.chunks

    def _output_of(self, uri: str) -> tuple[str, str] | None:
        """Job and output of a link to one result."""
        for base in self._bases:
            if uri.startswith(base + "/"):
                found = _OUTPUT.match(urlsplit(uri[len(base) :]).path)
                if found:
                    return unquote(found[1]), unquote(found[2])
        return None
