"""Status of a job, and the only table of its moves."""

from enum import StrEnum


class Status(StrEnum):
    """Source: OGC 18-062r2, statusCode.yaml."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        return not MOVES[self]


#: From -> to. `running -> accepted` is a lost job that is tried again. Nothing leaves a final status.
MOVES: dict[Status, frozenset[Status]] = {
    Status.ACCEPTED: frozenset({Status.RUNNING, Status.FAILED, Status.DISMISSED}),
    Status.RUNNING: frozenset({Status.ACCEPTED, Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED}),
    Status.SUCCESSFUL: frozenset(),
    Status.FAILED: frozenset(),
    Status.DISMISSED: frozenset(),
}


def sources_of(to: Status) -> list[Status]:
    """Every status from which a job may go `to`."""
    return [origin for origin, targets in MOVES.items() if to in targets]
