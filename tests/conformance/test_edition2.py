"""Requirements class "core" of the 2.0 draft, where it differs from 1.0:
single outputs, empty outputs, negotiated answers."""

import pytest
from webtest import TestApp

from tests.support.answers import (
    RESULTS_PROFILE,
    Schema,
    assert_exception,
    assert_list_parameter,
    header_links,
    parse_multipart,
    query_parameter,
)
from tests.support.client import finished, submit

ECHO, GREET = "/processes/echo/execution", "/processes/greet/execution"
JSON = {"Accept": "application/json"}
MANY = {"message": "m", "number": 2.5, "flag": False}


def ended(app: TestApp, process: str, inputs: dict, **body: object) -> str:
    job_id = submit(app, process, inputs, **body)
    assert finished(app, job_id)["status"] == "successful"
    return job_id


def assert_results(answer: object, schema: Schema, wanted: dict) -> None:
    """results.yaml as JSON, with its profile."""
    assert answer.status_int == 200
    assert answer.content_type == "application/json"
    schema("part1-2.0-draft/results").validate(answer.json)
    assert answer.json == wanted
    assert RESULTS_PROFILE in header_links(answer)["profile"]


def test_every_output_has_a_resource_of_its_own(app: TestApp) -> None:
    """2.0 /req/core/job-result-op, /req/core/process-execute-omitted-outputs, -success-async-outputs-omitted"""
    inputs = MANY | {"list": [1, 2], "choice": "b", "bbox": {"bbox": [1, 2, 3, 4]}}
    job_id = ended(app, "echo", inputs)
    for name, value in inputs.items():
        answer = app.get(f"/jobs/{job_id}/results/{name}", status=200)
        assert (answer.text if name in ("message", "choice") else answer.json) == value


def test_an_output_is_negotiated(app: TestApp) -> None:
    """2.0 /req/core/job-results-async-one: media type as negotiated, the body is the output"""
    job_id = ended(app, "greet", {"name": "Ada"}, outputs={"greeting": {}})
    path = f"/jobs/{job_id}/results/greeting"
    assert (app.get(path).content_type, app.get(path).text) == ("text/plain", "Hello Ada")
    answer = app.get(path, headers={"Accept": "text/plain"}, status=200)
    assert (answer.content_type, answer.text) == ("text/plain", "Hello Ada")
    answer = app.get(path, headers=JSON, status=200)
    assert (answer.content_type, answer.json) == ("application/json", "Hello Ada")
    app.get(path, headers={"Accept": "image/png"}, status=406)


def test_an_unknown_output_answers_400_no_such_output(app: TestApp, schema: Schema, successful_job: str) -> None:
    """2.0 /req/core/job-results-exception-no-such-output"""
    assert_exception(app.get(f"/jobs/{successful_job}/results/nope", status=400), schema, 400, "no-such-output")


def test_an_output_that_was_not_requested_answers_404(app: TestApp, schema: Schema) -> None:
    """2.0 /req/core/process-execute-success-async-outputs"""
    job_id = ended(app, "echo", MANY, outputs={"message": {}})
    assert app.get(f"/jobs/{job_id}/results/message", status=200).text == "m"
    assert_exception(app.get(f"/jobs/{job_id}/results/number", status=404), schema, 404)


@pytest.mark.parametrize("path", ["", "/message"])
def test_no_outputs_wanted_leaves_none_to_get(app: TestApp, schema: Schema, path: str) -> None:
    """2.0 /req/core/process-execute-success-async-outputs-empty,
    /req/core/job-results-exception/results-not-available"""
    job_id = ended(app, "echo", MANY, outputs={})
    assert_exception(app.get(f"/jobs/{job_id}/results{path}", status=404), schema, 404, "result-not-available")


def test_no_outputs_wanted_answers_204(app: TestApp) -> None:
    """2.0 /req/core/process-execute-empty-outputs, /req/core/process-execute-success-sync-empty-outputs"""
    answer = app.post_json(ECHO, {"inputs": MANY, "outputs": {}}, status=204)
    assert answer.body == b""
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("headers", [{"Prefer": "return=representation"}, {"Prefer": "return=minimal"}])
def test_omitted_outputs_are_all_in_the_answer(app: TestApp, schema: Schema, headers: dict) -> None:
    """2.0 /req/core/process-execute-success-sync-outputs-omitted,
    /rec/core/process-execute-sync-many-json-prefer-*: small values stand inside"""
    answer = app.post_json(ECHO, {"inputs": MANY}, headers=headers, status=200)
    assert_results(answer, schema, MANY)
    assert answer.headers["Preference-Applied"] == headers["Prefer"]


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, */*;q=0.1", f'application/json;profile="{RESULTS_PROFILE}"']
)
def test_several_outputs_of_a_synchronous_execution_are_json_if_that_is_negotiated(
    app: TestApp, schema: Schema, accept: str
) -> None:
    """2.0 /req/core/process-execute-sync-many-json: the negotiated output content type is application/json"""
    assert_results(app.post_json(ECHO, {"inputs": MANY}, headers={"Accept": accept}, status=200), schema, MANY)


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, */*;q=0.1", f'application/json;profile="{RESULTS_PROFILE}"']
)
def test_several_outputs_of_a_job_are_json(app: TestApp, schema: Schema, successful_job: str, accept: str) -> None:
    """2.0 /req/core/job-results-async-many"""
    wanted = {"message": "héllo", "number": 1.5, "flag": False}
    assert_results(app.get(f"/jobs/{successful_job}/results", headers={"Accept": accept}, status=200), schema, wanted)


def test_without_any_wish_several_outputs_are_as_1_0_has_them(app: TestApp, successful_job: str) -> None:
    """/req/core/job-results-async-raw-value-multi: the default of 1.0; 2.0
    job-results-async-many says JSON: both cannot be kept"""
    assert set(parse_multipart(app.get(f"/jobs/{successful_job}/results", status=200))) == {"message", "number", "flag"}


@pytest.mark.parametrize(
    "query",
    [
        f"profile={RESULTS_PROFILE}",
        "profile=ogc-results",
        f"profile={RESULTS_PROFILE.replace('https', 'http')}",
        "f=json",
    ],
)
def test_the_results_profile_gives_results_yaml(app: TestApp, schema: Schema, successful_job: str, query: str) -> None:
    """2.0 /req/core/job-results-profile"""
    answer = app.get(f"/jobs/{successful_job}/results?{query}", status=200)
    assert_results(answer, schema, {"message": "héllo", "number": 1.5, "flag": False})


def test_the_results_profile_of_one_output_gives_results_yaml(app: TestApp, schema: Schema) -> None:
    """2.0 /req/core/job-results-profile: the number of outputs is
    irrelevant; /per/core/process-execute-sync-one-result"""
    assert_results(
        app.post_json(f"{GREET}?profile=ogc-results", {"inputs": {"name": "Ada"}}, status=200),
        schema,
        {"greeting": "Hello Ada"},
    )
    job_id = ended(app, "greet", {"name": "Ada"})
    assert_results(app.get(f"/jobs/{job_id}/results?profile=ogc-results"), schema, {"greeting": "Hello Ada"})


@pytest.mark.parametrize(
    ("process", "inputs", "output", "media_type"),
    [
        ("greet", {"name": "Ada"}, "greeting", "text/plain"),
        ("echo-complex", {"complexInput": "t"}, "complexOutput", "text/plain"),
        ("echo", {"message": "m", "number": 1}, "number", "application/json"),
        ("geo-echo", {"document": "t"}, "document", "text/plain"),
        (
            "geo-echo",
            {"features": {"value": {"type": "FeatureCollection", "features": []}}},
            "features",
            "application/geo+json",
        ),
    ],
)
def test_one_output_has_its_described_default_media_type(
    app: TestApp, process: str, inputs: dict, output: str, media_type: str
) -> None:
    """2.0 /req/core/process-execute-sync-one, /req/core/process-execute-sync-one-default-content"""
    answer = app.post_json(f"/processes/{process}/execution", {"inputs": inputs, "outputs": {output: {}}}, status=200)
    assert answer.content_type == media_type


def test_one_output_is_negotiated(app: TestApp) -> None:
    """2.0 /req/core/process-execute-sync-one"""
    body = {"inputs": {"name": "Ada"}}
    assert app.post_json(GREET, body, headers=JSON, status=200).json == "Hello Ada"
    assert app.post_json(GREET, body, headers={"Accept": "text/plain"}, status=200).text == "Hello Ada"


def test_the_parameter_outputs_is_defined(app: TestApp) -> None:
    """2.0 /req/core/job-results-param-outputs"""
    assert_list_parameter(query_parameter(app, "/jobs/{job}/results", "outputs"))


@pytest.mark.parametrize("names", [["message"], ["number", "flag"], ["flag", "message", "number"]])
def test_only_the_outputs_named_are_in_the_answer(app: TestApp, successful_job: str, names: list[str]) -> None:
    """2.0 /req/core/job-results-param-outputs-response"""
    wanted = {"message": "héllo", "number": 1.5, "flag": False}
    answer = app.get(f"/jobs/{successful_job}/results?f=json&outputs={','.join(names)}", status=200)
    assert answer.json == {name: wanted[name] for name in names}


@pytest.mark.parametrize(
    "query",
    [
        "outputs=nope",
        "outputs=message,nope",
        "outputs=",
        "nope=1",
        "f=xml",
        "outputs=%zz",
    ],
)
def test_a_bad_parameter_of_results_answers_400(app: TestApp, schema: Schema, successful_job: str, query: str) -> None:
    """2.0 /req/core/job-results-exception/invalid-query-parameter-value"""
    assert_exception(
        app.get(f"/jobs/{successful_job}/results?{query}", status=400), schema, 400, "invalid-query-parameter-value"
    )


@pytest.mark.parametrize("path", ["/results", "/results/message"])
def test_results_of_no_job_answer_404(app: TestApp, schema: Schema, path: str) -> None:
    """2.0 /req/core/job-results-exception-no-such-job"""
    assert_exception(app.get(f"/jobs/nope{path}", status=404), schema, 404, "no-such-job")


def test_results_of_a_failed_job_are_its_failure(app: TestApp, schema: Schema, failed_job: str) -> None:
    """2.0 /req/core/job-results-failed; results-not-available says 404 for
    the same case: the older requirement is kept"""
    assert_exception(app.get(f"/jobs/{failed_job}/results/output", status=500), schema, 500)


def test_wait_is_honoured(app: TestApp) -> None:
    """2.0 /rec/core/process-execute-honor-prefer, /rec/core/process-execute-preference-applied; RFC 7240 section 4.3"""
    quick = app.post_json(GREET, {"inputs": {"name": "Ada"}}, headers={"Prefer": "respond-async, wait=10"}, status=200)
    assert "wait=10" in quick.headers["Preference-Applied"]
    slow = app.post_json(
        "/processes/sleep/execution", {"inputs": {"delay": 30}}, headers={"Prefer": "wait=1, respond-async"}, status=201
    )
    assert "respond-async" in slow.headers["Preference-Applied"]
    app.delete(f"/jobs/{slow.json['jobID']}")


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": MANY, "outputs": {"message": {}, "number": {}}},
        {"inputs": MANY, "outputs": {"message": {"format": {"mediaType": "text/plain"}}}},
    ],
)
def test_requests_of_the_draft_are_taken(app: TestApp, schema: Schema, body: dict) -> None:
    """2.0 /req/core/process-execute-request: execute.yaml of the draft"""
    schema("part1-2.0-draft/execute").validate(body)
    app.post_json(ECHO, body, status=200)
