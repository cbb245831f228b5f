"""/health/live, /health/ready, and requests while a service behind this one is away."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import submit
from tests.support.waiting import wait_until
from weaver_like.domain.errors import Unavailable
from weaver_like.engines.base import ClosePolicy
from weaver_like.jobs.health import LIMIT_S
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.store import SqlStore


def ready_when(app: TestApp, part: str, wanted: Callable[[str], bool]) -> dict:
    """Ask until a part is as wanted; the document."""

    def ask() -> dict | None:
        document = app.get("/health/ready", expect_errors=True).json
        return document if wanted(document[part]) else None

    return wait_until(ask, 10, f"the wanted state of {part}")


def test_live_says_only_that_the_process_answers(app: TestApp) -> None:
    answer = app.get("/health/live")
    assert answer.json == {"status": "alive"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_ready_names_every_part(app: TestApp) -> None:
    document = ready_when(app, "engine", lambda found: found == "ok")
    assert document == {"status": "ready", "store": "ok", "engine": "ok", "outputs": "ok", "stopping": False}


def test_a_probe_may_ask_for_any_media_type(app: TestApp) -> None:
    assert app.get("/health/live", headers={"Accept": "text/plain"}).content_type == "application/json"


def test_outputs_that_have_gone_are_told_and_not_their_path(make_app: Callable) -> None:
    app = make_app()
    folder = app.service.runtime.area.folder
    folder.rename(folder.with_name("moved"))
    document = ready_when(app, "outputs", lambda found: found != "ok")
    assert document["status"] == "not ready"
    assert str(folder) not in document["outputs"]
    assert app.get("/health/ready", status=503).headers["Retry-After"] == "5"
    app.get("/health/live", status=200)
    folder.with_name("moved").rename(folder)
    ready_when(app, "status", lambda found: found == "ready")


@pytest.mark.only("sqlite-embedded", "mariadb-embedded")
def test_an_engine_without_a_worker_is_told(make_app: Callable) -> None:
    app = make_app("engine.workers=1")
    ready_when(app, "engine", lambda found: found == "ok")
    engine = app.service.runtime.engine
    engine.drain(ClosePolicy.KILL, 0)
    document = ready_when(app, "engine", lambda found: found != "ok")
    assert document["engine"] == "no worker is up"
    assert document["stopping"] is True


@pytest.mark.only("sqlite-embedded")
def test_a_store_that_is_away_is_503_with_retry_after_for_reads_and_writes(make_app: Callable, tmp_path: Path) -> None:
    """Not 500: nothing is wrong with the request or with this server."""
    app = make_app()
    job_id = submit(app, "greet", {"name": "x"})
    app.service.runtime.engine.drain(ClosePolicy.JOIN, 10)
    app.service.runtime.store.close()
    for file in (tmp_path / "data0").glob("weaver_like.sqlite*"):
        file.rename(file.with_suffix(file.suffix + ".away"))
    (tmp_path / "data0" / "weaver_like.sqlite").mkdir()  # what cannot be opened is, for SQLite, a server that is away
    for answer in (
        app.get(f"/jobs/{job_id}", status=503),
        app.get("/jobs", status=503),
        app.delete(f"/jobs/{job_id}", status=503),
    ):
        assert answer.headers["Retry-After"] == "5"
        assert answer.content_type == "application/problem+json"
        assert "sqlite" not in answer.text
    document = ready_when(app, "store", lambda found: found != "ok")
    assert document["store"] == "The store's file is not there."
    app.get("/health/live", status=200)


def test_a_store_that_refuses_connections_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pytest.importorskip("psycopg", reason="no driver of PostgreSQL")
    store = SqlStore(SqlDatabase(f"postgresql+psycopg://user:secret@127.0.0.1:{port}/none", "NORMAL", 1), 60)
    for ask in (
        store.ping,
        lambda: store.jobs.get("x"),
        lambda: store.outbox.settle(1, None),
        lambda: store.outbox.next_due(),
    ):
        with pytest.raises(Unavailable) as raised:
            ask()
        assert "secret" not in raised.value.detail
    store.close()


@pytest.mark.only("sqlite-embedded")
def test_a_store_that_never_answers_holds_a_probe_for_a_few_seconds_only(make_app: Callable) -> None:
    """Several probes at once share the one look, which is not begun again while it hangs."""
    app = make_app()
    ready_when(app, "engine", lambda found: found == "ok")
    database = app.service.runtime.store.database
    writer = database.engine.connect()
    held = [
        database.engine.pool.connect() for _ in range(database.engine.pool.size() * 2 - 1)
    ]  # every connection is in somebody's hands
    time_of_answers: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        found = app.get("/health/ready", expect_errors=True)
        time_of_answers.append(time.monotonic() - began)
        assert found.json["store"] in ("ok", f"no answer within {LIMIT_S:g} s")

    wait_until(lambda: app.get("/health/ready", expect_errors=True).json["store"] != "ok", 10, "the trouble")
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(time_of_answers) == 4
    assert max(time_of_answers) < 2 * LIMIT_S
    assert sum(thread.name == "health-store" for thread in threading.enumerate()) == 1
    for connection in held:
        connection.close()
    writer.close()
    ready_when(app, "store", lambda found: found == "ok")
