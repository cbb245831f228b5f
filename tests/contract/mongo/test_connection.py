"""Addresses of MongoDB: what is refused, what is masked, and when a connection is made."""

import logging
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.database import Database as PlainDatabase

from tests.contract.old import mongo4
from tests.support.jobs import add, until
from tests.support.services import mongo_database
from weaver_like import settings as settings_module
from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.domain.job import Move
from weaver_like.domain.status import Status
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.store import MongoStore
from weaver_like.wiring import build


@pytest.fixture
def refusing() -> str:
    """host:port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        "mongodb:///name",
        "mongodb://host:none/name",
        "mongodb://user:se/cret@host/name",
        "mongodb://user:secret@ho st:99999/name",
        "mongodb://user:sec@ret@host/name",
        "mongodb://user:secret@host/na me",
        "mongodb://user:secret@host/name?tls=secret",
        "mongodb://host/a$b",
    ],
)
def test_nonsense_is_refused_by_name_and_not_shown(url: str) -> None:
    with pytest.raises(SettingError, match=r"store\.url") as raised:
        MongoDatabase(url, 1)
    assert "ret" not in raised.value.detail
    assert raised.value.__suppress_context__


def test_a_database_that_is_away_is_unavailable_and_no_secret_is_told(
    refusing: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MongoStore(MongoDatabase(f"mongodb://user:secret@{refusing}/name?serverSelectionTimeoutMS=100", 1), 60)
    with caplog.at_level(logging.DEBUG):
        for ask in (
            store.ping,
            store.migrate,
            lambda: store.jobs.get("x"),
            lambda: add(store),
            lambda: store.jobs.move("x", Move(Status.FAILED)),
        ):
            with pytest.raises(Unavailable) as raised:
                ask()
            assert "secret" not in raised.value.detail + repr(raised.value.__cause__)
    assert "secret" not in caplog.text
    assert refusing in caplog.text
    store.close()


def test_a_password_that_is_refused_is_a_setting_to_correct(mongodb_url: str) -> None:
    store = MongoStore(MongoDatabase(mongodb_url.replace("://", "://nobody:secret@"), 1), 60)
    with pytest.raises(SettingError, match=r"store\.url") as raised:
        store.migrate()
    assert "secret" not in raised.value.detail
    store.close()


def test_a_store_without_indexes_is_not_ready(mongodb_url: str, plain: PlainDatabase) -> None:
    store = MongoStore(MongoDatabase(mongodb_url, 1), 60)
    with pytest.raises(Unavailable):
        store.ping()
    plain["jobs"].create_index(
        [("created", 1), ("_id", 1)], name="jobs_by_created"
    )  # the first of those that another server makes at this moment
    for ask in (lambda: add(store), lambda: store.jobs.claim_next("worker", until())):
        with pytest.raises(Unavailable):
            ask()
    store.migrate()
    store.ping()
    add(store)
    store.close()


def test_the_name_of_the_database_may_be_left_out() -> None:
    database = MongoDatabase("mongodb://127.0.0.1:1/?appName=x", 1)
    assert database._collections.jobs.full_name == "weaver_like.jobs"
    database.close()


def test_a_forked_process_connects_anew(store: MongoStore, mongodb_url: str) -> None:
    (job_id,) = add(store)
    code = f"""
import os, warnings
warnings.simplefilter("error")
from weaver_like.stores.mongo.connection import MongoDatabase
from weaver_like.stores.mongo.store import MongoStore
store = MongoStore(MongoDatabase({mongodb_url!r}, 2), 60)
store.jobs.get({job_id!r})
child = os.fork()
store.jobs.get({job_id!r})
if child:
    assert os.waitpid(child, 0)[1] == 0
    store.jobs.get({job_id!r})
    print("both")
os._exit(0)
"""
    run = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("both\n", "")


def test_without_the_driver_the_setting_is_named(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["pymongo"] = None
from weaver_like import settings
from weaver_like.domain.errors import SettingError
from weaver_like.wiring import build
try:
    build(settings.load(overrides=["files.data_dir={tmp_path}", "store.url=mongodb://user:secret@127.0.0.1/name"]))
except SettingError as error:
    print(error.detail)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
    assert "store.url" in told
    assert "weaver-like[mongo]" in told
    assert "secret" not in told


def test_the_driver_is_loaded_only_when_asked_for(tmp_path: Path) -> None:
    """It costs a worker memory and every command a moment."""
    code = f"""
import sys
from weaver_like import settings
from weaver_like.wiring import build
for url, driver in (("", "pymongo"), ("mongodb://127.0.0.1/name", "sqlalchemy")):
    if url:
        sys.modules.pop("sqlalchemy")
    build(settings.load(overrides=["files.data_dir={tmp_path}", "store.url=" + url]))
    print(driver in sys.modules)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=os.environ
    ).stdout
    assert told == "False\nFalse\n"


def test_the_url_chooses_the_store(tmp_path: Path, mongodb_url: str) -> None:
    chosen = build(settings_module.load(overrides=[f"files.data_dir={tmp_path}", f"store.url={mongodb_url}"])).store
    assert isinstance(chosen, MongoStore)
    chosen.close()


class TestMigrations:
    """Numbered from 1, done once each."""

    def test_two_who_migrate_at_once_do_it_once(self, mongodb_url: str) -> None:
        stores = [MongoStore(MongoDatabase(mongodb_url, 1), 60) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert sorted(
                number for numbers in pool.map(lambda store: store.migrate(), stores) for number in numbers
            ) == [1, 2, 3, 4]
        for store in stores:
            store.close()

    def test_a_store_that_was_taken_over_is_like_a_new_one(self, mongodb_server: str) -> None:
        indexes = []
        for prepare in (mongo4.fill, lambda _url: None):
            with mongo_database(mongodb_server) as url, MongoClient(url) as client:
                prepare(url)
                store = MongoStore(MongoDatabase(url, 1), 60)
                store.migrate()
                store.close()
                database = client.get_default_database()
                names = database.list_collection_names(filter={"name": {"$ne": "leaders"}})
                indexes.append({name: database[name].index_information() for name in names})
        assert indexes[0] == indexes[1]

    def test_the_schema_of_a_newer_release_is_refused_and_left_alone(
        self, store: MongoStore, plain: PlainDatabase
    ) -> None:
        plain.schema_version.insert_one({"_id": 999})
        with pytest.raises(SettingError, match="999"):
            store.migrate()
        assert sorted(row["_id"] for row in plain.schema_version.find()) == [1, 2, 3, 4, 999]
