"""`ResultService`: results of jobs, and the files that hold them."""

from collections.abc import Sequence

from weaver_like.domain.errors import NoSuchJob
from weaver_like.domain.job import Job
from weaver_like.domain.results import StoredFile
from weaver_like.files.area import no_such_file
from weaver_like.jobs.results import JobResults, get_output, get_results
from weaver_like.runtime import Runtime
from weaver_like.services.jobs import JobService


class ResultService:
    """A requester who may see a job may see its results."""

    def __init__(self, runtime: Runtime, jobs: JobService):
        self._rt = runtime
        self._jobs = jobs

    def get(self, job: Job, only: Sequence[str] | None = None) -> JobResults:
        """The results of a job; `only` narrows them to some outputs. Raises: as `jobs.results.get_results`."""
        return get_results(self._rt, job, only)

    def get_output(self, job: Job, path: str) -> tuple[JobResults, str]:
        """The results of one output, and the rest of the path. Raises: as `jobs.results.get_output`."""
        return get_output(self._rt, job, path)

    def open(self, reference: str) -> StoredFile:
        """The file behind a pseudo-relative reference of a result from this service. Raises: NotFound, Unavailable."""
        return self._rt.area.get(reference)

    def open_public(self, reference: str) -> StoredFile:
        """The file behind a reference from a client; the requester must be allowed to see its job.

        Raises: NotFound, also for files of jobs that the requester may not see; Unavailable.
        """
        job_id = reference.split("/")[1]
        try:
            self._jobs.get(job_id)
        except NoSuchJob as error:
            raise no_such_file(reference) from error
        return self._rt.area.get(reference)

    def find_media_type(self, reference: str) -> str | None:
        """The media type that a job gave to a file from `open_public`; None for a file inside of a value."""
        job = self._jobs.get(reference.split("/")[1])
        results = self._jobs.get_documents(job).results
        return next((result.format.media_type for result in results if result.path == reference), None)
