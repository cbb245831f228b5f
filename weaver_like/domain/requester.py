"""Requesters, and which records they may see."""

from dataclasses import dataclass

#: Visibility of a record: its owner alone, everybody, or (`group:NAME`) the members of a group.
PRIVATE = "private"
PUBLIC = "public"
_GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Requester:
    """The person or program that sends a request.

    Args:
        id: name of a person or a program; "": anonymous.
        roles: what it may do on this server, e.g. "operator".
        groups: names of the groups it belongs to.
    """

    id: str = ""
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def sees(self, owner: str, visibility: str) -> bool:
        """Whether a record is its own, public, or visible to one of its groups; stores filter by the same rule."""
        if visibility == PUBLIC:
            return True
        if owner and owner == self.id:
            return True
        return visibility.startswith(_GROUP) and visibility.removeprefix(_GROUP) in self.groups


#: A request without credentials.
ANONYMOUS = Requester()
#: The server itself, e.g. when it delivers callbacks.
SYSTEM = Requester("system", frozenset({"operator"}))


def group_visibility(name: str) -> str:
    """The visibility of a record that the members of a group may see."""
    return _GROUP + name
