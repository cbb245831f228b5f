"""What every `Store` promises as a whole."""

import pytest

from tests.contract.opening import open_store
from tests.support.jobs import add
from weaver_like.domain.errors import Unavailable
from weaver_like.stores import base
from weaver_like.stores.base import Store


class StoreContract:
    """Its parts, migrate, ping, close."""

    def test_it_has_every_part(self, store: Store) -> None:
        for name, interface in Store.__annotations__.items():
            assert isinstance(getattr(store, name), getattr(base, interface.__name__))

    def test_a_store_that_was_not_migrated_is_not_ready(self, store_url: str) -> None:
        opened = open_store(store_url)
        with pytest.raises(Unavailable):
            opened.ping()
        opened.migrate()
        opened.ping()
        opened.close()

    def test_a_new_store_gets_every_migration_and_then_none(self, store_url: str) -> None:
        opened = open_store(store_url)
        applied = opened.migrate()
        assert applied == list(range(1, len(applied) + 1))
        assert applied
        (job_id,) = add(opened)
        assert opened.migrate() == []
        assert opened.jobs.get(job_id).id == job_id
        opened.close()

    def test_a_store_that_was_closed_opens_again(self, store: Store) -> None:
        (job_id,) = add(store)
        store.close()
        assert store.jobs.get(job_id).id == job_id
