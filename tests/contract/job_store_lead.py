"""What every `JobStore` promises about roles of which there is one holder."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from weaver_like.stores.base import JobStore

SECOND = timedelta(seconds=1)


class LeadContract:
    """Of all who want a role one has it."""

    def test_one_leads_until_its_time_is_over(self, jobs: JobStore) -> None:
        now = datetime.now(UTC)
        assert jobs.take_lead("sweeper", "a", now + SECOND * 60)
        assert not jobs.take_lead("sweeper", "b", now + SECOND * 60)
        assert jobs.take_lead("other", "b", now + SECOND * 60)
        assert jobs.take_lead("sweeper", "a", now - SECOND)
        assert jobs.take_lead("sweeper", "b", now + SECOND * 60)
        assert not jobs.take_lead("sweeper", "a", now + SECOND * 60)

    def test_of_many_at_once_one_wins(self, jobs: JobStore) -> None:
        end = datetime.now(UTC) + SECOND * 60
        for role in ("first", "second", "third"):
            with ThreadPoolExecutor(8) as pool:
                assert sum(pool.map(lambda name, role=role: jobs.take_lead(role, f"holder {name}", end), range(8))) == 1
