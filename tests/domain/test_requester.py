"""Who sees which records, and what today's policy allows."""

import pytest

from weaver_like.access.policy import Action, Ownership, Policy
from weaver_like.domain.errors import NotAuthorized
from weaver_like.domain.requester import ANONYMOUS, PRIVATE, PUBLIC, SYSTEM, Requester, group_visibility

ANNA = Requester("anna", groups=frozenset({"hydro", "geo"}))
BEN = Requester("ben", roles=frozenset({"operator"}))
HYDRO = group_visibility("hydro")


@pytest.mark.parametrize(
    ("requester", "owner", "visibility", "sees"),
    [
        pytest.param(ANNA, "anna", PRIVATE, True, id="its own"),
        pytest.param(ANNA, "ben", PRIVATE, False, id="another's"),
        pytest.param(BEN, "anna", PRIVATE, False, id="another's, with a role"),
        pytest.param(ANONYMOUS, "anna", PRIVATE, False, id="somebody's, for nobody"),
        pytest.param(ANNA, "", PRIVATE, False, id="nobody's, private"),
        pytest.param(ANONYMOUS, "", PRIVATE, False, id="nobody's, private, for nobody"),
        pytest.param(ANNA, "ben", PUBLIC, True, id="public"),
        pytest.param(ANONYMOUS, "", PUBLIC, True, id="nobody's, public"),
        pytest.param(ANNA, "ben", HYDRO, True, id="of its group"),
        pytest.param(BEN, "anna", HYDRO, False, id="of another group"),
        pytest.param(BEN, "ben", HYDRO, True, id="its own, of another group"),
        pytest.param(ANONYMOUS, "anna", HYDRO, False, id="of a group, for nobody"),
        pytest.param(ANNA, "ben", group_visibility("hydro2"), False, id="of a group with a longer name"),
        pytest.param(ANNA, "ben", "hydro", False, id="a name that is no group"),
        pytest.param(Requester("x", groups=frozenset({""})), "ben", PRIVATE, False, id="a group without a name"),
        pytest.param(SYSTEM, "anna", PRIVATE, False, id="somebody's, for the server: it asks for everything"),
    ],
)
def test_a_requester_sees_what_is_its_own_public_or_of_its_groups(
    requester: Requester, owner: str, visibility: str, sees: bool
) -> None:
    assert requester.sees(owner, visibility) is sees


@pytest.mark.parametrize("requester", [ANONYMOUS, ANNA, BEN, SYSTEM], ids=lambda requester: requester.id or "anonymous")
def test_today_everybody_may_everything(requester: Requester) -> None:
    policy = Policy()
    for action in Action:
        assert policy.allows(requester, action, Ownership("somebody", PRIVATE))
        policy.check(requester, action)
    assert policy.seen_by(requester) is None
    assert policy.audience(requester) == policy.audience(ANONYMOUS)


def test_what_is_made_belongs_to_its_maker_and_is_public_if_that_is_nobody() -> None:
    policy = Policy()
    assert policy.ownership(ANNA) == Ownership("anna", PRIVATE)
    assert policy.ownership(ANONYMOUS) == Ownership("", PUBLIC)


class _Closed(Policy):
    def allows(self, requester: Requester, action: Action, record: Ownership) -> bool:
        return requester.sees(record.owner, record.visibility) and action is Action.SEE


def test_a_refusal_says_who_may_not_do_what() -> None:
    """The issue on access replaces `allows`; `check` follows it."""
    policy = _Closed()
    policy.check(ANNA, Action.SEE)
    with pytest.raises(NotAuthorized, match="'anna' may not execute this"):
        policy.check(ANNA, Action.EXECUTE)
    with pytest.raises(NotAuthorized, match="'anonymous' may not see this"):
        policy.check(ANONYMOUS, Action.SEE, Ownership("anna", PRIVATE))
