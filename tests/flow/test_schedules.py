"""Schedules over the API: made, listed, fired, removed; every fault is told with its place."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.applications import make_service
from tests.support.client import finished, submit
from tests.support.pages import HTML, assert_says_the_same, page_of
from tests.support.waiting import wait_until
from weaver_like.domain.events import SchedulesChanged
from weaver_like.domain.schedule import Schedule
from weaver_like.engines.base import ClosePolicy
from weaver_like.jobs.cron import next_firing

#: Comes once in four years: it does not fire while the tests run.
RARELY = "0 0 29 2 *"
PLUGIN = '''
from weaver_like.authoring import process

@process(id="changing")
def changing(count: {kind} = {default}) -> str:
    """Say it."""
    return str(count)
'''


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestApp]:
    """A service of its own: nobody else's schedules are in the lists."""
    service = make_service(tmp_path_factory.mktemp("schedules"), "limits.schedules=20")
    application = TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"})
    application.service = service
    yield application
    service.stop(ClosePolicy.KILL)


@pytest.fixture
def make(app: TestApp) -> Iterator[Callable[..., dict]]:
    """Makes schedules of `greet` that are removed afterwards."""
    made = []

    def post(**body: object) -> dict:
        answer = app.post_json(
            "/schedules", {"process": "greet", "cron": RARELY, "inputs": {"name": "x"}} | body, status=201
        )
        made.append(answer.json["id"])
        return answer.json

    yield post
    for schedule_id in made:
        app.delete(f"/schedules/{schedule_id}", status="*")


def make_due(app: TestApp, schedule_id: str, due: datetime, **changes: object) -> Schedule:
    """Put a schedule where it is due at a moment, and say so."""
    store = app.service.runtime.store.schedules
    schedule = replace(store.get(schedule_id), due=due, **changes)
    store.delete(schedule_id)
    store.add(schedule, 1000)
    app.service.runtime.engine.publish(SchedulesChanged())
    return schedule


def fired(app: TestApp, schedule_id: str) -> dict:
    def outcome() -> dict | None:
        found = app.get(f"/schedules/{schedule_id}").json
        return found if "lastFiring" in found and {"lastJobID", "lastFailure"} & found.keys() else None

    return wait_until(outcome, 10, "the firing")


def test_a_schedule_is_made_shown_and_removed(app: TestApp) -> None:
    body = {
        "process": "geo-echo",
        "cron": " 0 6 * * MON-FRI ",
        "timeZone": "Europe/Berlin",
        "title": "Every morning",
        "priority": 0,
        "inputs": {"words": ["a"], "level": 3},
        "outputs": {"level": {"transmissionMode": "value"}},
        "response": "document",
    }
    answer = app.post_json("/schedules", body, status=201)
    made = answer.json
    assert answer.headers["Location"] == f"http://localhost/schedules/{made['id']}"
    expected = {
        key: body[key] for key in ("process", "timeZone", "title", "priority", "inputs", "outputs", "response")
    } | {"cron": "0 6 * * MON-FRI"}
    assert {key: made[key] for key in expected} == expected
    assert datetime.fromisoformat(made["nextFiring"]) == next_firing(
        "0 6 * * MON-FRI", "Europe/Berlin", datetime.now(UTC)
    )
    assert not {"lastFiring", "lastJobID", "lastFailure"} & made.keys()
    shown = app.get(f"/schedules/{made['id']}")
    assert shown.json == made
    assert {"self", "alternate", "process-desc", "up"} == {link["rel"] for link in made["links"]}
    assert_says_the_same(page_of(app.get(f"/schedules/{made['id']}", headers=HTML)), made)
    assert app.delete(f"/schedules/{made['id']}", status=204).body == b""
    for method in ("GET", "DELETE"):
        assert "schedule" in app.request(f"/schedules/{made['id']}", method=method, status=404).json["detail"]


def test_the_time_zone_is_utc_unless_it_is_said(make: Callable) -> None:
    assert make()["timeZone"] == "UTC"


def test_a_list_is_newest_first_in_pages(app: TestApp, make: Callable) -> None:
    ids = [make(title=f"number {number}")["id"] for number in range(5)]
    page = app.get("/schedules?limit=2").json
    assert [entry["title"] for entry in page["schedules"]] == ["number 4", "number 3"]
    assert "inputs" not in page["schedules"][0]
    assert_says_the_same(page_of(app.get("/schedules?limit=2", headers=HTML)), page)
    seen = [entry["id"] for entry in page["schedules"]]
    while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = app.get(following[0]).json
        seen += [entry["id"] for entry in page["schedules"]]
    assert seen == ids[::-1]


def test_a_list_of_some_processes_keeps_that_on_its_next_page(app: TestApp, make: Callable) -> None:
    for process in ("sleep", "greet", "sleep", "fail"):
        make(process=process, inputs={"name": "x"} if process == "greet" else {})
    page = app.get("/schedules?processID=sleep,fail&limit=1").json
    found = [entry["process"] for entry in page["schedules"]]
    while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = app.get(following[0]).json
        found += [entry["process"] for entry in page["schedules"]]
    assert found == ["fail", "sleep", "sleep"]
    for bad in ("limit=0", "cursor=x", "status=failed", "processID="):
        app.get(f"/schedules?{bad}", status=400)


def test_the_landing_page_links_to_schedules(app: TestApp) -> None:
    assert "http://localhost/schedules" in [link["href"] for link in app.get("/").json["links"]]


GOOD = {"process": "greet", "cron": RARELY, "inputs": {"name": "x"}}


@pytest.mark.parametrize(
    ("change", "pointers", "said"),
    [
        ({"cron": "61 25 * * *"}, ["/cron", "/cron"], "minute: expected 0 to 59"),
        ({"cron": "* * *"}, ["/cron"], "got 3 fields"),
        ({"cron": "0 0 31 2 *"}, ["/cron"], "a date that exists"),
        ({"cron": 5}, ["/cron"], "string"),
        ({"cron": "* " * 200}, ["/cron"], "200"),
        ({"cron": None}, ["/cron"], "string"),
        ({"timeZone": "Mars/Olympus"}, ["/timeZone"], "IANA"),
        ({"timeZone": 1}, ["/timeZone"], "string"),
        ({"process": "nope"}, ["/process"], "no process 'nope'"),
        ({"inputs": {}}, ["/inputs/name"], "required"),
        ({"inputs": {"name": 5, "x": 1}}, ["/inputs/name", "/inputs/x"], "string"),
        ({"outputs": {"x": {}}}, ["/outputs/x"], "no such output"),
        ({"priority": 9}, ["/priority"], "expected a level"),
        ({"subscriber": {"successUri": "http://127.0.0.1/"}}, ["/subscriber"], "127.0.0.1"),
        ({"inputs": {"name": {"href": "file:///etc/passwd"}}}, ["/inputs/name/href"], "file"),
        ({"mode": "sync"}, [""], "mode"),
        ({"title": "x" * 201}, ["/title"], "200"),
        (
            {"cron": "x * * * *", "timeZone": "y", "inputs": {"name": 5}},
            ["/cron", "/timeZone", "/inputs/name"],
            "got 'x'",
        ),
    ],
)
def test_every_fault_has_its_place(app: TestApp, change: dict, pointers: list[str], said: str) -> None:
    problem = app.post_json("/schedules", GOOD | change, status=400)
    assert problem.content_type == "application/problem+json"
    assert [fault["pointer"] for fault in problem.json["errors"]] == pointers
    assert said in problem.json["errors"][0]["detail"]
    assert app.get("/schedules").json["schedules"] == []


@pytest.mark.parametrize("missing", ["process", "cron"])
def test_what_must_be_there_is_named(app: TestApp, missing: str) -> None:
    problem = app.post_json(
        "/schedules", {key: value for key, value in GOOD.items() if key != missing}, status=400
    ).json
    assert missing in problem["errors"][0]["detail"]


def test_bodies_that_are_no_object_are_refused(app: TestApp) -> None:
    for body in (b"[]", b"5", b"{", b""):
        app.post("/schedules", body, content_type="application/json", status=400)
    app.post("/schedules", b"<a/>", content_type="text/xml", status=415)
    app.post_json("/schedules", GOOD, headers={"Accept": "image/png"}, status=406)
    assert app.get("/schedules").json["schedules"] == []


def test_more_schedules_than_allowed_are_a_conflict(app: TestApp, make: Callable) -> None:
    for _ in range(20):
        make()
    assert "20 schedules" in app.post_json("/schedules", GOOD, status=409).json["detail"]


def test_a_due_schedule_gives_a_job_and_each_leads_to_the_other(app: TestApp, make: Callable) -> None:
    schedule_id = make(title="Good morning", inputs={"name": "Ada"})["id"]
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    expected = make_due(app, schedule_id, due).next_job_id
    found = fired(app, schedule_id)
    assert found["lastJobID"] == expected
    assert [link["href"] for link in found["links"] if link["rel"] == "related"] == [
        f"http://localhost/jobs/{expected}"
    ]
    assert datetime.fromisoformat(found["nextFiring"]) == next_firing(RARELY, "UTC", due)
    status = finished(app, expected)
    assert (status["status"], status["title"]) == ("successful", "Good morning")
    assert due - timedelta(milliseconds=1) <= datetime.fromisoformat(status["created"]) < due + timedelta(seconds=5)
    assert f"http://localhost/schedules/{schedule_id}" in [
        link["href"] for link in status["links"] if link["rel"] == "related"
    ]
    assert "parentID" not in status
    assert app.get(f"/jobs/{expected}/results").text == "Hello Ada"


def test_a_job_that_was_not_fired_links_to_no_schedule(app: TestApp) -> None:
    assert "related" not in [
        link["rel"] for link in app.get(f"/jobs/{submit(app, 'greet', {'name': 'x'})}").json["links"]
    ]


def test_what_was_missed_is_made_up_for_once(app: TestApp, make: Callable) -> None:
    """The last of three is half an hour old; the next one comes in half an hour."""
    now = datetime.now(UTC)
    minute = (now.minute + 30) % 60
    schedule_id = make(cron=f"{minute} * * * *")["id"]
    before = len(app.get("/jobs?processID=greet").json["jobs"])
    make_due(app, schedule_id, now - timedelta(hours=2.5))
    assert datetime.fromisoformat(fired(app, schedule_id)["nextFiring"]) > now
    other = make()["id"]
    make_due(app, other, now)
    fired(app, other)
    assert len(app.get("/jobs?processID=greet").json["jobs"]) == before + 2


def test_what_was_missed_long_ago_is_told_and_not_made_up_for(app: TestApp, make: Callable) -> None:
    schedule_id = make()["id"]
    make_due(app, schedule_id, datetime(2024, 2, 29, tzinfo=UTC))
    found = fired(app, schedule_id)
    assert "2024-02-29T00:00:00+00:00" in found["lastFailure"]
    assert "lastJobID" not in found
    assert app.get("/schedules").json["schedules"][0]["lastFailure"] == found["lastFailure"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "no process"), (PLUGIN.format(kind="str", default="'x'"), "/inputs/count")]
)
def test_a_process_that_went_or_changed_gives_no_job_but_a_failure(
    make_app: Callable, tmp_path: Path, text: str, said: str
) -> None:
    plugin = tmp_path / "data" / "plugins" / "changing.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN.format(kind="int", default=1))
    app = make_app(folder=tmp_path / "data")
    schedule_id = app.post_json(
        "/schedules", {"process": "changing", "cron": RARELY, "inputs": {"count": 5}}, status=201
    ).json["id"]
    plugin.write_text(text)
    wait_until(
        lambda: (
            app.get("/processes/changing", status="*")
            .json.get("inputs", {})
            .get("count", {})
            .get("schema", {})
            .get("type")
            != "integer"
        ),
        10,
    )
    make_due(app, schedule_id, datetime.now(UTC))
    assert said in fired(app, schedule_id)["lastFailure"]
    assert app.get("/jobs").json["jobs"] == []
    plugin.write_text(PLUGIN.format(kind="int", default=1))
    wait_until(lambda: app.get("/processes/changing", status="*").status_int == 200, 10)
    make_due(app, schedule_id, datetime.now(UTC), last_fired=None)
    found = fired(app, schedule_id)
    assert "lastFailure" not in found
    assert finished(app, found["lastJobID"])["status"] == "successful"


def test_a_full_queue_is_a_failure_of_the_firing(make_app: Callable) -> None:
    app = make_app("limits.queue=1", "engine.workers=1")
    first = submit(app, "sleep", {"delay": 30})
    wait_until(lambda: app.get(f"/jobs/{first}").json["status"] == "running", what="the start of the job")
    submit(app, "sleep", {"delay": 30})
    schedule_id = app.post_json("/schedules", GOOD, status=201).json["id"]
    make_due(app, schedule_id, datetime.now(UTC))
    assert "1 jobs wait already" in fired(app, schedule_id)["lastFailure"]


def test_secrets_in_addresses_are_not_shown(app: TestApp, make: Callable) -> None:
    made = make(
        process="echo-complex", inputs={"complexInput": {"href": "http://me:geheim@example.org/x?token=geheim"}}
    )
    assert "geheim" not in app.get(f"/schedules/{made['id']}").text
