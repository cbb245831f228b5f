"""`JobService`: jobs, as one requester may see and change them."""

from dataclasses import replace

from weaver_like.access.policy import Action, Ownership
from weaver_like.domain.errors import NoSuchJob, ServerBusy
from weaver_like.domain.execution import Submission
from weaver_like.domain.job import Job, JobDocuments, JobFilter, JobPage, LogEntry, Origin
from weaver_like.domain.requester import Requester
from weaver_like.domain.step import Step
from weaver_like.engines.base import Subscription
from weaver_like.jobs.control import dismiss_job
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.steps import find_steps
from weaver_like.jobs.submit import check_execution, keeping, new_job, submit_job
from weaver_like.jobs.wait import Places, wait_for
from weaver_like.runtime import Runtime

__all__ = ["JobService", "Subscription"]


class JobService:
    """What one requester may do with jobs.

    Args:
        waiting, listening: places for synchronous requests and for listeners, shared by all requesters.
    """

    def __init__(self, runtime: Runtime, requester: Requester, waiting: Places, listening: Places):
        self._rt = runtime
        self._requester = requester
        self._waiting = waiting
        self._listening = listening

    def get(self, job_id: str) -> Job:
        """A job. Raises: NoSuchJob, also for jobs that the requester may not see."""
        job = self._rt.store.jobs.get(job_id)
        if not self._rt.policy.allows(self._requester, Action.SEE, Ownership(job.owner, job.visibility)):
            raise NoSuchJob(f"There is no job '{job_id[:100]}'.")
        return job

    def find(self, criteria: JobFilter) -> JobPage:
        """Jobs that the requester may see, newest first."""
        return self._rt.store.jobs.find(replace(criteria, seen_by=self._rt.policy.seen_by(self._requester)))

    def get_documents(self, job: Job) -> JobDocuments:
        """Request, results, error and statistics of a job that came from here, without the values of secret inputs.

        Raises: NoSuchJob.
        """
        documents = self._rt.store.jobs.get_documents(job.id)
        followers = tuple(replace(one, execution=one.execution.without_secrets()) for one in documents.followers)
        return replace(documents, execution=documents.execution.without_secrets(), followers=followers)

    def read_log(self, job: Job, after: int = 0, limit: int = 1000) -> list[LogEntry]:
        """Lines with a number above `after`, oldest first. Raises: NoSuchJob."""
        return self._rt.store.logs.read(job.id, after, limit)

    def find_steps(self, job: Job, after: int = 0, limit: int = 1000) -> list[Step]:
        """Steps with a number above `after`, in order. Raises: NoSuchJob."""
        return find_steps(self._rt, job, after, limit)

    def check_open(self) -> None:
        """Raises: ServerBusy, while the server is stopping: new jobs would only run after its next start."""
        if self._rt.serving_engine.refusing:
            raise ServerBusy("The server is stopping.", retry_after_s=10)

    def check(self, submission: Submission, base_url: str) -> Submission:
        """Check an execution against its process; nothing is stored.

        base_url: public URL to which it was sent; links below it lead to results of this server.
        Raises: NotAuthorized; InvalidInput or MissingInput, with every fault; FetchFailed, for refused addresses.
        """
        process = submission.process
        self._rt.policy.check(self._requester, Action.EXECUTE)
        execution = keeping(process, submission.execution)
        own = OwnResults(self._rt, base_url, self.get)
        check_execution(self._rt, self._rt.catalog.entry_of(process), execution, own)
        return replace(submission, execution=execution)

    def submit(self, submission: Submission, base_url: str) -> Job:
        """Store the job of a checked submission, and wait for its end as long as the submission says.

        If too many requests wait already, the job runs asynchronously.

        Args:
            base_url: public URL under which it was submitted, for links sent later.
        Raises: ServerBusy, if the queue is full, or if too many requests wait and the process is only synchronous.
        """
        process, execution = submission.process, submission.execution
        ownership = self._rt.policy.ownership(self._requester)
        origin = Origin(base_url, ownership.owner, ownership.visibility)
        job = new_job(self._rt, process.id, execution, origin, process.unit.queue)
        if submission.wait_s and self._waiting.take():
            try:
                return self._submit_and_wait(job, submission)
            finally:
                self._waiting.give_back()
        if submission.wait_s and not process.asynchronous:
            raise ServerBusy("Too many synchronous requests are waiting.", retry_after_s=5)
        submit_job(self._rt, job, execution)
        return job

    def _submit_and_wait(self, job: Job, submission: Submission) -> Job:
        with self._rt.serving_engine.subscribe(job.id) as subscription:
            submit_job(self._rt, job, submission.execution)
            return wait_for(self._rt, subscription, job.id, submission.wait_s)

    def dismiss(self, job_id: str) -> Job:
        """Dismiss an unfinished job, or remove a finished one. Raises: NoSuchJob, NotAuthorized, Unavailable."""
        job = self.get(job_id)
        self._rt.policy.check(self._requester, Action.CHANGE, Ownership(job.owner, job.visibility))
        return dismiss_job(self._rt, job)

    def listen(self, job_id: str) -> Subscription:
        """Events of a job, once the subscription is entered; take a place to listen first."""
        return self._rt.serving_engine.subscribe(job_id)

    def take_listening_place(self) -> None:
        """Take a place to listen, to be given back. Raises: ServerBusy, if too many clients listen."""
        if not self._listening.take():
            raise ServerBusy("Too many clients are listening to events.", retry_after_s=10)

    def give_listening_place_back(self) -> None:
        self._listening.give_back()
