"""What every `JobLogs` promises."""

import pytest

from tests.support.jobs import T0, add, line
from weaver_like.domain.errors import NoSuchJob
from weaver_like.stores.base import Store


class JobLogsContract:
    """append, read."""

    def test_log_lines_are_numbered_from_one_and_come_in_pages(self, store: Store) -> None:
        first, second = add(store, T0, T0)
        store.logs.append(first, [line("1"), line("2", 40)])
        store.logs.append(second, [line("other")])
        store.logs.append(first, [])
        store.logs.append(first, [line("3"), line("4")])
        entries = store.logs.read(first)
        assert [(entry.number, entry.message, entry.percent) for entry in entries] == [
            (1, "1", None),
            (2, "2", 40),
            (3, "3", None),
            (4, "4", None),
        ]
        assert entries[0].at == T0
        assert [entry.number for entry in store.logs.read(first, after=1, limit=2)] == [2, 3]
        assert store.logs.read(first, after=4) == []
        assert [entry.number for entry in store.logs.read(second)] == [1]

    def test_an_unknown_job_has_no_log(self, store: Store) -> None:
        store.logs.append("unknown", [line("lost")])
        with pytest.raises(NoSuchJob):
            store.logs.read("unknown")
