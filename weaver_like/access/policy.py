"""The policy of an installation: who may do what, and who owns new records."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from weaver_like.domain.errors import NotAuthorized
from weaver_like.domain.requester import PRIVATE, PUBLIC, Requester


class Action(StrEnum):
    """What a requester may do: see, change or execute a record, or deploy to the server."""

    SEE = "see"
    EXECUTE = "execute"
    CHANGE = "change"
    DEPLOY = "deploy"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns a record, and who may see it. Source: `domain/requester.py`."""

    owner: str = ""
    visibility: str = PUBLIC


class Policy:
    """Everybody may do everything. Records of anonymous requesters are public."""

    def allows(self, requester: Requester, action: Action, record: Ownership) -> bool:
        """Whether a requester may do something with a record."""
        return True

    def check(self, requester: Requester, action: Action, record: Ownership = Ownership()) -> None:
        """Raises: NotAuthorized."""
        if not self.allows(requester, action, record):
            name = requester.id or "anonymous"
            raise NotAuthorized(f"'{name}' may not {action} this.")

    def seen_by(self, requester: Requester) -> Requester | None:
        """The requester whose view a list is limited to; None: it shows everything."""
        return None

    def audience(self, requester: Requester) -> Hashable:
        """Equal for all requesters who are shown the same processes: they share rendered documents."""
        return "everybody"

    def ownership(self, requester: Requester) -> Ownership:
        """The ownership of records that a requester makes."""
        if requester.id:
            return Ownership(requester.id, PRIVATE)
        return Ownership("", PUBLIC)
