"""The policy of an installation: who may do what, and who owns what is made."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from weaver_like.domain.errors import NotAuthorized
from weaver_like.domain.requester import PRIVATE, PUBLIC, Requester


class Action(StrEnum):
    """What a requester does with a record, or (the last two) with the server."""

    SEE = "see"
    EXECUTE = "execute"
    CHANGE = "change"
    DEPLOY = "deploy"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a record is. Source: `domain/requester.py`."""

    owner: str = ""
    visibility: str = PUBLIC


class Policy:
    """Everybody may do everything. What nobody in particular makes is public."""

    def allows(self, requester: Requester, action: Action, record: Ownership) -> bool:
        """Whether a requester may do something with a record."""
        return True

    def check(self, requester: Requester, action: Action, record: Ownership = Ownership()) -> None:
        """Raises: NotAuthorized."""
        if not self.allows(requester, action, record):
            raise NotAuthorized(f"'{requester.id or 'anonymous'}' may not {action} this.")

    def seen_by(self, requester: Requester) -> Requester | None:
        """Whose view a list is narrowed to; None: it shows everything."""
        return None

    def audience(self, requester: Requester) -> Hashable:
        """The same for all requesters who are shown the same processes: documents rendered for one serve them all."""
        return "everybody"

    def ownership(self, requester: Requester) -> Ownership:
        """Whose a record is that a requester makes."""
        return Ownership(requester.id, PRIVATE if requester.id else PUBLIC)
