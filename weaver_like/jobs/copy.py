"""`copy_jobs`, `copy_schedules`, `copy_processes`: everything that a store keeps, to another store of any kind; and the proof that it arrived."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from weaver_like.domain.errors import CopyFailed
from weaver_like.domain.job import Job, JobFilter, StoredJob
from weaver_like.domain.package import Change, Revision
from weaver_like.domain.schedule import Schedule, ScheduleFilter
from weaver_like.domain.status import Status
from weaver_like.jobs.housekeeper import HOUSEKEEPER
from weaver_like.stores.base import JobStore, ProcessStore, ScheduleStore

_BATCH = 200
_LIST_PAGE = 1000
_PLENTY = 10**6
_ROLE = "store copy"
_HELD = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Copied:
    """jobs: how many both stores hold.  new: how many this run copied.  digest: SHA-256 of all jobs in their order, the same of both stores."""

    jobs: int
    new: int
    digest: str


@dataclass(frozen=True, slots=True)
class CopiedProcesses:
    """processes, revisions: how many both stores hold.  digest: SHA-256 of all revisions and of what is current, the same of both stores."""

    processes: int
    revisions: int
    digest: str


def copy_jobs(origin: JobStore, target: JobStore, tell: Callable[[str], None], force: bool = False) -> Copied:
    """Copy, oldest first and behind what an earlier run copied; then read both stores and compare every job.

    force: also while a server seems to work on one of them.  tell: is called with a line about the progress, now and then.
    Raises: CopyFailed, Unavailable; nothing is written to the target if they may not be copied.
    """
    _refuse_same(origin, target)
    if not force:
        _refuse_busy(origin, "FROM")
        _refuse_busy(target, "TO")
    newest = _find_beginning(origin, target)
    new = 0
    for batch in _batches(origin, newest.key if newest else None):
        target.put(batch)
        new += len(batch)
        tell(f"copied {new} jobs, up to those of {batch[-1].job.created:%Y-%m-%d %H:%M:%S}")
    return replace(compare_jobs(origin, target, tell), new=new)


def copy_schedules(origin: ScheduleStore, target: ScheduleStore) -> int:
    """Copy every schedule, in place of what is there under its id, and compare; how many both stores hold. Raises: CopyFailed, Unavailable."""
    wanted = {schedule.id: schedule for schedule in _schedules(origin)}
    held = {schedule.id: schedule for schedule in _schedules(target)}
    for schedule_id, schedule in wanted.items():
        if repr(schedule) != repr(held.get(schedule_id)):
            target.delete(schedule_id)
            target.add(schedule, _PLENTY)
    copied = {schedule.id: schedule for schedule in _schedules(target)}
    different = [name for name in wanted.keys() | copied.keys() if repr(wanted.get(name)) != repr(copied.get(name))]
    if different:
        raise CopyFailed(f"Schedule {different[0]} is not the same in both stores, or not in both.")
    return len(wanted)


def copy_processes(origin: ProcessStore, target: ProcessStore, tell: Callable[[str], None]) -> CopiedProcesses:
    """Copy every revision of every deployed process that the target lacks, and what is current; then compare.

    A change carries one revision, and the first one of a process makes it current: whatever an interruption leaves can be served, and
    is gone on with. Nothing of the target is overwritten.
    Raises: CopyFailed, naming what differs, or is in TO alone; Unavailable.
    """
    wanted, held = _revisions(origin), set(_revisions(target))
    for process_id, version in held.difference(wanted):
        raise CopyFailed(
            f"TO holds version {version} of the deployed process {process_id}, which FROM does not hold. Undeploy it there first."
        )
    current, whole = origin.get_deployed().current, hashlib.sha256()
    for key in wanted:
        ours, news = origin.get(*key), dict([key]) if key in current.items() else {}
        digest = digest_of_revision(ours)
        if key not in held:
            _change(target, (ours,), news)
            tell(f"copied version {key[1]} of the deployed process {key[0]}")
        if digest != digest_of_revision(target.get(*key)):
            raise CopyFailed(f"Version {key[1]} of the deployed process {key[0]} is not the same in both stores.")
        _change(target, (), news)
        whole.update(digest)
    if sorted(wanted) != sorted(_revisions(target)) or current != target.get_deployed().current:
        raise CopyFailed("The deployed processes of a store were changed meanwhile. Stop its servers, and copy again.")
    whole.update(repr(sorted(current.items())).encode())
    return CopiedProcesses(len(current), len(wanted), whole.hexdigest())


def _change(target: ProcessStore, added: tuple[Revision, ...], current: dict[str, str]) -> None:
    """Add revisions and make versions current, unless they are. Raises: CopyFailed."""
    deployed = target.get_deployed()
    if (added or not current.items() <= deployed.current.items()) and not target.change(
        Change(deployed.number, added, (), current)
    ):
        raise CopyFailed("The deployed processes of TO are changed by somebody else. Stop its servers, and copy again.")


def _revisions(store: ProcessStore) -> list[tuple[str, str]]:
    """(process id, version) of all, in the order of the ids; the current one of each process first."""
    keys = []
    for process_id, current in sorted(store.get_deployed().current.items()):
        others = sorted({summary.version for summary in store.find_revisions(process_id)} - {current})
        keys += [(process_id, current), *((process_id, version) for version in others)]
    return keys


def digest_of_revision(revision: Revision) -> bytes:
    """SHA-256 of all that is kept of a revision."""
    package = revision.package
    parts = [
        repr(revision.process),
        repr(revision.deployed),
        repr(package.media_type),
        hashlib.sha256(package.content).hexdigest(),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()


def _schedules(store: ScheduleStore) -> tuple[Schedule, ...]:
    return store.find(ScheduleFilter(limit=_PLENTY)).schedules


def compare_jobs(origin: JobStore, target: JobStore, tell: Callable[[str], None]) -> Copied:
    """Read both stores from the oldest job to the newest. Raises: CopyFailed, naming the first job that differs."""
    count, whole = 0, hashlib.sha256()
    for ours, theirs in zip_longest(_each(origin), _each(target)):
        if ours is None or theirs is None or ours.job.key != theirs.job.key:
            raise CopyFailed(_missing(ours, theirs))
        digest = digest_of(ours)
        if digest != digest_of(theirs):
            raise CopyFailed(f"Job {ours.job.id} is not the same in both stores{_where(ours, theirs)}.")
        whole.update(digest)
        count += 1
        if count % 10_000 == 0:
            tell(f"compared {count} jobs")
    return Copied(count, 0, whole.hexdigest())


def digest_of(stored: StoredJob) -> bytes:
    """SHA-256 of all that is kept of a job; of the domain's values, whatever rows or documents they were kept in."""
    return hashlib.sha256("\n".join(_parts(stored).values()).encode("utf-8", "surrogatepass")).digest()


def _parts(stored: StoredJob) -> dict[str, str]:
    error = stored.documents.error
    documents = replace(stored.documents, error=None)
    return {
        "status": repr(stored.job),
        "place": repr(stored.place),
        "lease": repr(stored.lease),
        "documents": repr(documents),
        "error": repr(error and (type(error).__name__, error.detail, error.faults)),
        "log": repr(stored.log),
        "callbacks": repr(stored.callbacks),
        "steps": repr(stored.steps),
    }


def _where(ours: StoredJob, theirs: StoredJob) -> str:
    other = _parts(theirs)
    return ": " + ", ".join(name for name, part in _parts(ours).items() if part != other[name])


def _missing(ours: StoredJob | None, theirs: StoredJob | None) -> str:
    if theirs is None or (ours is not None and ours.job.key < theirs.job.key):
        return f"Job {ours.job.id} is in FROM and not in TO."
    return f"Job {theirs.job.id} is in TO and not in FROM."


def _batches(store: JobStore, after: tuple[int, str] | None) -> Iterator[list[StoredJob]]:
    while batch := store.export(after, _BATCH):
        yield batch
        after = batch[-1].job.key


def _each(store: JobStore) -> Iterator[StoredJob]:
    for batch in _batches(store, None):
        yield from batch


def _refuse_same(origin: JobStore, target: JobStore) -> None:
    """Two addresses may mean the same store: then a role that one has taken is not free in the other."""
    now = datetime.now(UTC)
    if not origin.take_lead(_ROLE, "from", now + _HELD):
        raise CopyFailed("Another copy from or to FROM has just begun; try again in some seconds.")
    same = not target.take_lead(_ROLE, "to", now + _HELD)
    origin.take_lead(_ROLE, "from", now)
    if same:
        raise CopyFailed("FROM and TO are the same store, or another copy from or to TO has just begun.")
    target.take_lead(_ROLE, "to", now)


def _refuse_busy(store: JobStore, name: str) -> None:
    """A server keeps house, and its workers renew leases; a job that they change meanwhile would be copied half old, half new."""
    now = datetime.now(UTC)
    if not store.take_lead(HOUSEKEEPER, _ROLE, now + timedelta(seconds=1)):
        raise CopyFailed(
            f"A server works on {name}, or did until some seconds ago. Stop all of them, and try again after 20 seconds; "
            "--force copies all the same."
        )
    lost = {job.id for job in store.find_lost(now)}
    alive = [
        job.id for job in _jobs(store, JobFilter(statuses=(Status.RUNNING,), limit=_LIST_PAGE)) if job.id not in lost
    ]
    if alive:
        raise CopyFailed(
            f"{len(alive)} jobs in {name} are run by workers that were alive within the last minute, {alive[0]} for one. "
            "Stop them, or wait until their leases have run out (engine.lease_s); --force copies all the same."
        )


def _find_beginning(origin: JobStore, target: JobStore) -> Job | None:
    """The newest job of the target, where it holds the beginning of what the origin holds; None if it holds nothing. Raises: CopyFailed."""
    first = target.find(JobFilter(limit=1)).jobs
    if not first:
        return None
    wanted = JobFilter(created_to=first[0].created, limit=_LIST_PAGE)
    older = (job for job in _jobs(origin, wanted) if job.key <= first[0].key)
    for ours, theirs in zip_longest(older, _jobs(target, wanted)):
        if ours is None or theirs is None or ours.key != theirs.key:
            lacks = theirs is None or (ours is not None and ours.key > theirs.key)
            known = f"no job {ours.id}, but newer ones" if lacks else f"job {theirs.id}, which FROM does not hold"
            raise CopyFailed(
                f"TO is not a part of FROM: it holds {known}. Copy into an empty store, or into what a copy from FROM has left."
            )
    return first[0]


def _jobs(store: JobStore, wanted: JobFilter) -> Iterator[Job]:
    """All jobs of a list, newest first, page by page."""
    page = store.find(wanted)
    yield from page.jobs
    while page.more:
        page = store.find(replace(wanted, after=page.jobs[-1].key))
        yield from page.jobs
