"""`execute_job`: one claimed job in a worker: run it, then finish, hand over, give back or abandon it."""

import logging

from weaver_like.domain.errors import JobDismissed, Unavailable
from weaver_like.domain.job import Claim
from weaver_like.engines.base import WorkerLink
from weaver_like.jobs.attempt import Attempt
from weaver_like.jobs.finish import abandon, finish, give_back
from weaver_like.jobs.run import RunStopped
from weaver_like.jobs.substeps import Helping
from weaver_like.runtime import Runtime
from weaver_like.sandbox.children import Children

log = logging.getLogger(__name__)


def execute_job(rt: Runtime, claim: Claim, children: Children, link: WorkerLink) -> None:
    """Run a claimed job to its end; a failure fails the job, never the worker."""
    attempt = Attempt(rt, claim, link, Helping(execute_job, children))
    try:
        try:
            outcome = attempt.run()
        except JobDismissed:
            abandon(attempt)
        except RunStopped:
            give_back(attempt)
        else:
            if outcome is not None:
                finish(attempt, outcome)
    except Unavailable:
        log.error("job %s: the store stayed unavailable; the job will be tried again", claim.job.id)
