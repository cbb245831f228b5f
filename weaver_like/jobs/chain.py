"""Jobs that other jobs start: chains that a job's code asks for, and the next job of a chain."""

from collections.abc import Sequence

from weaver_like.domain.errors import WeaverError
from weaver_like.domain.execution import Execution
from weaver_like.domain.job import Follower, Job, NewJob
from weaver_like.domain.messages import Answer, JobAccepted, RequestRefused, SubmitJobs, WantedJob
from weaver_like.engines.base import WorkerLink
from weaver_like.jobs.own import OwnResults
from weaver_like.jobs.submit import check_execution, keeping, new_job, queue_of, submit_job
from weaver_like.runtime import Runtime
from weaver_like.schemas.inputs import parse_inputs


def submit_chain(rt: Runtime, parent: Job, wanted: SubmitJobs, link: WorkerLink) -> Answer:
    """Check and submit a chain that a job's code asks for: its first job is queued, the others follow it."""
    try:
        own = OwnResults(rt, parent.base_url)
        followers = [_follower(rt, step, wanted.priority, own) for step in wanted.steps]
        if not followers:
            return RequestRefused("expected at least one step, got none")
        first, *rest = followers
        queue = queue_of(rt, first.process_id)
        job = new_job(rt, first.process_id, first.execution, parent.children_origin, queue)
        submit_job(rt, job, first.execution, tuple(rest))
    except WeaverError as error:
        return RequestRefused(error.detail)
    link.submitted(job.id, job.queue)
    return JobAccepted(job.id)


def _follower(rt: Runtime, step: WantedJob, priority: int | None, own: OwnResults) -> Follower:
    entry = rt.catalog.get(step.process_id)
    execution = Execution(inputs=parse_inputs(step.inputs, entry.process), priority=priority)
    check_execution(rt, entry, execution, own)
    return Follower(entry.process.id, keeping(entry.process, execution))


def next_in_chain(rt: Runtime, job: Job, followers: Sequence[Follower]) -> list[NewJob]:
    """The next job of a chain, with the jobs that follow it; none at the end of the chain."""
    if not followers:
        return []
    head, *rest = followers
    queue = queue_of(rt, head.process_id)
    following = new_job(rt, head.process_id, head.execution, job.children_origin, queue)
    return [NewJob(following, head.execution, tuple(rest))]
