"""A database or a broker that is away when server and worker start: they say
so, answer what they can, and come up by themselves."""

from collections.abc import Callable
from urllib.error import URLError

import pytest

from tests.recovery.conftest import Stack, on
from tests.recovery.installation import LIMIT_S, Installation
from tests.support.client import end_of
from tests.support.waiting import wait_until


def lives(installation: Installation) -> bool:
    try:
        return installation.get("/health/live")[0] == 200
    except URLError:
        return False


def start_without(installation: Installation) -> None:
    installation.serve()
    if installation.celery:
        installation.work()
    wait_until(lambda: lives(installation), LIMIT_S, "the server")


@on("embedded-postgresql", "rabbitmq-mongodb", heavy=("embedded-mariadb", "redis-postgresql"))
def test_a_database_that_is_away_at_the_start_is_waited_for(stack: Stack, install: Callable) -> None:
    installation = install("engine.workers=1")
    stack.database.kill()
    start_without(installation)
    for program in (installation.web, *installation.workers):
        program.says("The store does not answer", "Next try in 0.5 s.", "Next try in 1 s.")
        assert "Traceback" not in program.text
    status, document, headers = installation.get("/health/ready")
    assert (status, document["status"], "Retry-After" in headers) == (503, "not ready", True)
    assert document["store"] != "ok"
    status, _, headers = installation.get(
        "/processes/sleep/execution", "POST", {"inputs": {"delay": 0}}, {"Prefer": "respond-async"}
    )
    assert (status, "Retry-After" in headers) == (503, True)
    assert installation.get("/processes/sleep")[0] == 503
    assert installation.get("/")[0] == 503
    assert installation.get("/health/live")[0] == 200
    stack.database.start()
    wait_until(lambda: installation.health()["status"] == "ready", LIMIT_S, "readiness")
    assert end_of(installation, installation.submit("sleep", {"delay": 0}), LIMIT_S)["status"] == "successful"


@on("rabbitmq-mongodb", heavy=("redis-postgresql",))
def test_a_broker_that_is_away_at_the_start_is_waited_for_and_jobs_are_kept(stack: Stack, install: Callable) -> None:
    installation = install("engine.workers=1")
    stack.broker.kill()
    start_without(installation)
    installation.web.says("the broker does not answer", "trying again", " answers at ")
    installation.workers[0].says("Cannot connect to", "Trying again in")
    status, document, headers = installation.get("/health/ready")
    assert (status, document["store"], document["engine"]) == (503, "ok", "the broker does not answer")
    assert "Retry-After" in headers
    kept = installation.submit("sleep", {"delay": 0})
    stack.broker.start()
    wait_until(lambda: installation.health()["status"] == "ready", LIMIT_S, "readiness")
    assert end_of(installation, kept, LIMIT_S)["status"] == "successful"
    for program in (installation.web, *installation.workers):
        assert "Traceback" not in program.text
        assert "guest:guest" not in program.text


@on("embedded-postgresql", "rabbitmq-mongodb")
@pytest.mark.parametrize("kind", ["waitress", "gunicorn"])
def test_who_waits_for_the_database_ends_at_a_signal(stack: Stack, install: Callable, kind: str) -> None:
    installation = install("engine.workers=1", f"server.kind={kind}")
    stack.database.kill()
    start_without(installation)
    for program in (installation.web, *installation.workers):
        program.says("Next try in")
        assert program.end() == 0
        assert "Traceback" not in program.text
