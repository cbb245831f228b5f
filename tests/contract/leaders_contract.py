"""What every `Leaders` promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from weaver_like.stores.base import Store

SECOND = timedelta(seconds=1)


class LeadersContract:
    """Of all who want a role one has it."""

    def test_one_leads_until_its_time_is_over(self, store: Store) -> None:
        now = datetime.now(UTC)
        assert store.leaders.take("sweeper", "a", now + SECOND * 60)
        assert not store.leaders.take("sweeper", "b", now + SECOND * 60)
        assert store.leaders.take("other", "b", now + SECOND * 60)
        assert store.leaders.take("sweeper", "a", now - SECOND)
        assert store.leaders.take("sweeper", "b", now + SECOND * 60)
        assert not store.leaders.take("sweeper", "a", now + SECOND * 60)

    def test_of_many_at_once_one_wins(self, store: Store) -> None:
        end = datetime.now(UTC) + SECOND * 60
        for role in ("first", "second", "third"):
            with ThreadPoolExecutor(8) as pool:
                assert (
                    sum(pool.map(lambda name, role=role: store.leaders.take(role, f"holder {name}", end), range(8)))
                    == 1
                )
