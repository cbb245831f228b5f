"""Copies everything that a store keeps to another store of any kind, and proves that it arrived.

`copy_jobs`, `copy_schedules`, `copy_processes`.
"""

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
from weaver_like.stores.base import DeploymentStore, ScheduleStore, Store

_BATCH = 200
_LIST_PAGE = 1000
_PLENTY = 10**6
_ROLE = "store copy"
_HELD = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of copying jobs.

    jobs: how many both stores hold.  new: how many this run copied.
    digest: SHA-256 of all jobs in their order, the same in both stores.
    """

    jobs: int
    new: int
    digest: str


@dataclass(frozen=True, slots=True)
class CopiedProcesses:
    """The result of copying deployed processes.

    processes, revisions: how many both stores hold.
    digest: SHA-256 of all revisions and of what is current, the same in both stores.
    """

    processes: int
    revisions: int
    digest: str


def copy_jobs(origin: Store, target: Store, tell: Callable[[str], None], force: bool = False) -> Copied:
    """Copy jobs, oldest first, continuing an earlier run; then compare every job of both stores.

    Args:
        tell: called from time to time with a line about the progress.
        force: copy even if a server seems to be using one of the stores.
    Raises: CopyFailed, Unavailable; nothing is written to the target if the jobs may not be copied.
    """
    _refuse_same(origin, target)
    if not force:
        _refuse_busy(origin, "FROM")
        _refuse_busy(target, "TO")
    newest = _find_beginning(origin, target)
    new = 0
    for batch in _batches(origin, newest.key if newest else None):
        target.transfer.put(batch)
        new += len(batch)
        tell(f"copied {new} jobs, up to those of {batch[-1].job.created:%Y-%m-%d %H:%M:%S}")
    return replace(compare_jobs(origin, target, tell), new=new)


def copy_schedules(origin: Store, target: Store) -> int:
    """Copy every schedule, in place of the one with the same id, and compare; how many both stores hold.

    Raises: CopyFailed, Unavailable.
    """
    wanted = {schedule.id: schedule for schedule in _schedules(origin.schedules)}
    held = {schedule.id: schedule for schedule in _schedules(target.schedules)}
    for schedule_id, schedule in wanted.items():
        if repr(schedule) != repr(held.get(schedule_id)):
            target.schedules.delete(schedule_id)
            target.schedules.add(schedule, _PLENTY)
    copied = {schedule.id: schedule for schedule in _schedules(target.schedules)}
    different = [name for name in wanted.keys() | copied.keys() if repr(wanted.get(name)) != repr(copied.get(name))]
    if different:
        raise CopyFailed(f"Schedule {different[0]} is not the same in both stores, or not in both.")
    return len(wanted)


def copy_processes(origin: Store, target: Store, tell: Callable[[str], None]) -> CopiedProcesses:
    """Copy every revision of every deployed process that the target lacks, and what is current; then compare.

    A change carries one revision, and the first one of a process makes it current: whatever an interruption leaves
    can be served, and the next run continues from it. Nothing in the target is overwritten.
    Raises: CopyFailed, naming what differs, or is in TO alone; Unavailable.
    """
    ours, theirs = origin.deployments, target.deployments
    wanted, held = _revisions(ours), set(_revisions(theirs))
    for process_id, version in held.difference(wanted):
        raise CopyFailed(
            f"TO holds version {version} of the deployed process {process_id}, which FROM does not hold. "
            "Undeploy it there first."
        )
    current, whole = ours.get_deployed().current, hashlib.sha256()
    for key in wanted:
        revision = ours.get(*key)
        digest = digest_of_revision(revision)
        news = dict([key]) if key in current.items() else {}
        if key not in held:
            _change(theirs, (revision,), news)
            tell(f"copied version {key[1]} of the deployed process {key[0]}")
        if digest != digest_of_revision(theirs.get(*key)):
            raise CopyFailed(f"Version {key[1]} of the deployed process {key[0]} is not the same in both stores.")
        _change(theirs, (), news)
        whole.update(digest)
    if sorted(wanted) != sorted(_revisions(theirs)) or current != theirs.get_deployed().current:
        raise CopyFailed("The deployed processes of a store were changed meanwhile. Stop its servers, and copy again.")
    whole.update(repr(sorted(current.items())).encode())
    return CopiedProcesses(len(current), len(wanted), whole.hexdigest())


def _change(target: DeploymentStore, added: tuple[Revision, ...], current: dict[str, str]) -> None:
    """Add revisions and make versions current, unless they are. Raises: CopyFailed."""
    deployed = target.get_deployed()
    if not added and current.items() <= deployed.current.items():
        return
    if not target.change(Change(deployed.number, added, (), {**current})):
        raise CopyFailed(
            "The deployed processes of TO are being changed by somebody else. Stop its servers, and copy again."
        )


def _revisions(store: DeploymentStore) -> list[tuple[str, str]]:
    """(process id, version) of all, in the order of the ids; the current one of each process first."""
    keys = []
    for process_id, current in sorted(store.get_deployed().current.items()):
        others = sorted({summary.version for summary in store.find_revisions(process_id)} - {current})
        keys += [(process_id, current), *((process_id, version) for version in others)]
    return keys


def digest_of_revision(revision: Revision) -> bytes:
    """SHA-256 of everything stored about a revision."""
    package = revision.package
    parts = [
        repr(revision.process),
        repr(revision.deployed),
        repr((revision.owner, revision.visibility)),
        repr(package.media_type),
        hashlib.sha256(package.content).hexdigest(),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()


def _schedules(store: ScheduleStore) -> tuple[Schedule, ...]:
    return store.find(ScheduleFilter(limit=_PLENTY)).schedules


def compare_jobs(origin: Store, target: Store, tell: Callable[[str], None]) -> Copied:
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
    """SHA-256 of everything stored about a job, as domain values: the same for every kind of store."""
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
        "run": repr(stored.run),
    }


def _where(ours: StoredJob, theirs: StoredJob) -> str:
    other = _parts(theirs)
    return ": " + ", ".join(name for name, part in _parts(ours).items() if part != other[name])


def _missing(ours: StoredJob | None, theirs: StoredJob | None) -> str:
    """Which of the next two jobs is in one store only."""
    if ours is not None and (theirs is None or ours.job.key < theirs.job.key):
        return f"Job {ours.job.id} is in FROM and not in TO."
    if theirs is not None:
        return f"Job {theirs.job.id} is in TO and not in FROM."
    raise ValueError("one of the two jobs is there")


def _batches(store: Store, after: tuple[int, str] | None) -> Iterator[list[StoredJob]]:
    while batch := store.transfer.export(after, _BATCH):
        yield batch
        after = batch[-1].job.key


def _each(store: Store) -> Iterator[StoredJob]:
    for batch in _batches(store, None):
        yield from batch


def _refuse_same(origin: Store, target: Store) -> None:
    """Refuse a copy of a store to itself: a role that is taken through one URL is then taken through the other too."""
    now = datetime.now(UTC)
    if not origin.leaders.take(_ROLE, "from", now + _HELD):
        raise CopyFailed("Another copy from or to FROM has just begun; try again in a few seconds.")
    same = not target.leaders.take(_ROLE, "to", now + _HELD)
    origin.leaders.take(_ROLE, "from", now)
    if same:
        raise CopyFailed("FROM and TO are the same store, or another copy from or to TO has just begun.")
    target.leaders.take(_ROLE, "to", now)


def _refuse_busy(store: Store, name: str) -> None:
    """Refuse a store in use: a job that changes during the copy would be copied in part."""
    now = datetime.now(UTC)
    if not store.leaders.take(HOUSEKEEPER, _ROLE, now + timedelta(seconds=1)):
        raise CopyFailed(
            f"A server is using {name}, or was until a few seconds ago. Stop all servers, and try again after "
            "20 seconds, or copy anyway with --force."
        )
    lost = {job.id for job in store.jobs.find_lost(now)}
    running = JobFilter(statuses=(Status.RUNNING,), limit=_LIST_PAGE)
    alive = [job.id for job in _jobs(store, running) if job.id not in lost]
    if alive:
        raise CopyFailed(
            f"{len(alive)} jobs in {name}, e.g. {alive[0]}, are held by workers whose leases have not expired. Stop "
            "the workers, or wait until the leases expire (engine.lease_s), or copy anyway with --force."
        )


def _find_beginning(origin: Store, target: Store) -> Job | None:
    """The newest job of the target, whose jobs must be the oldest ones of the origin; None if the target is empty.

    Raises: CopyFailed.
    """
    first = target.jobs.find(JobFilter(limit=1)).jobs
    if not first:
        return None
    wanted = JobFilter(created_to=first[0].created, limit=_LIST_PAGE)
    older = (job for job in _jobs(origin, wanted) if job.key <= first[0].key)
    for ours, theirs in zip_longest(older, _jobs(target, wanted)):
        if ours is None or theirs is None or ours.key != theirs.key:
            raise CopyFailed(
                f"TO is not a part of FROM: it holds {_unlike(ours, theirs)}. Copy into an empty store, or into one "
                "that holds an earlier copy of FROM."
            )
    return first[0]


def _unlike(ours: Job | None, theirs: Job | None) -> str:
    """How the target differs, by the next job of each store, newest first."""
    if ours is not None and (theirs is None or ours.key > theirs.key):
        return f"no job {ours.id}, but newer ones"
    if theirs is not None:
        return f"job {theirs.id}, which FROM does not hold"
    raise ValueError("one of the two jobs is there")


def _jobs(store: Store, wanted: JobFilter) -> Iterator[Job]:
    """All jobs of a list, newest first, page by page."""
    page = store.jobs.find(wanted)
    yield from page.jobs
    while page.more:
        page = store.jobs.find(replace(wanted, after=page.jobs[-1].key))
        yield from page.jobs
