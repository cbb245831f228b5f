"""Owners of records, and who asks for them."""

from weaver_like.domain.requester import ANONYMOUS, PRIVATE, PUBLIC, SYSTEM, Requester, group_visibility

#: Owner and visibility. Names are told apart by case, blanks and characters that a database may treat as its own.
OWNERSHIPS = [
    ("", PUBLIC),
    ("", PRIVATE),
    ("alice", PRIVATE),
    ("alice", PUBLIC),
    ("Alice", PRIVATE),
    ("bob", PRIVATE),
    ("bob", group_visibility("maps")),
    ("bob", group_visibility("Maps")),
    ("bob ", group_visibility("")),
    ("carol", group_visibility("%")),
    ("$owner", group_visibility("Grüße ☃")),
]
REQUESTERS = [
    ANONYMOUS,
    SYSTEM,
    Requester("alice"),
    Requester("bob", groups=frozenset({"maps", "others"})),
    Requester("carol", frozenset({"operator"}), frozenset({"Maps", ""})),
    Requester("dora", groups=frozenset({"%", "Grüße ☃"})),
    Requester("$owner"),
    Requester(PUBLIC, groups=frozenset({PRIVATE, PUBLIC})),
]


def name_of(requester: Requester) -> str:
    """For the id of a test."""
    return requester.id or "anonymous"
