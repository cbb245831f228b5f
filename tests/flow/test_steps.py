"""Steps of application packages: seen below the job while it runs and afterwards."""

import json

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.waiting import wait_until
from tests.support.workflows import JS, deploy, sh, steps_of, workflow

WHOLE = workflow(
    {
        "make": {"run": sh("echo made $0"), "in": {"x": "code"}, "out": ["out"]},
        "crop": {
            "run": sh("echo cropping $0 >&2; echo $0"),
            "scatter": "x",
            "when": "$(inputs.x != 2)",
            "in": {"x": "numbers"},
            "out": ["out"],
        },
        "never": {"run": sh("exit 9"), "when": "$(inputs.x === 0)", "in": {"x": "code"}, "out": ["out"]},
        "twice": {
            "run": {
                "class": "ExpressionTool",
                "requirements": [JS],
                "inputs": {"x": "int"},
                "outputs": {"y": "int"},
                "expression": "${return {y: inputs.x * 2};}",
            },
            "in": {"x": "code"},
            "out": ["y"],
        },
        "sub": {
            "in": {"numbers": "numbers", "code": "twice/y"},
            "out": [],
            "run": workflow({"inner": {"run": sh("echo inner $0"), "in": {"x": "code"}, "out": ["out"]}}),
        },
    }
)


def test_every_step_of_a_workflow_is_seen(app: TestApp) -> None:
    job_id = submit(app, deploy(app, WHOLE), {"numbers": [1, 2, 3], "code": 7})
    assert finished(app, job_id)["status"] == "successful"
    steps = steps_of(app, job_id)
    assert {name: step["status"] for name, step in steps.items()} == {
        "make": "successful",
        "crop": "successful",
        "crop/1": "successful",
        "crop/2": "skipped",
        "crop/3": "successful",
        "never": "skipped",
        "twice": "successful",
        "sub": "successful",
        "sub/inner": "successful",
    }
    one = steps["crop/3"]
    assert (one["command"].endswith(" 3"), one["exitCode"], one["log"]) == (True, 0, ["cropping 3"])
    assert steps["crop"]["started"] <= one["started"] <= one["finished"] <= steps["crop"]["finished"]
    assert 0 < one["cpuSeconds"] < 10
    assert "command" not in steps["twice"]
    log = [line["message"] for line in app.get(f"/jobs/{job_id}/logs").json["logs"]]
    assert "[crop/3] cropping 3" in log
    assert any(line.startswith("[sub/inner] sh -c ") for line in log)
    assert [step["number"] for step in app.get(f"/jobs/{job_id}/steps").json["steps"]] == list(range(1, 10))


def test_the_processor_time_of_a_step_is_that_of_its_command(app: TestApp) -> None:
    burning = sh("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done", inputs={})
    job_id = submit(app, deploy(app, burning))
    assert finished(app, job_id)["status"] == "successful"
    assert next(iter(steps_of(app, job_id).values()))["cpuSeconds"] > 0.05


def test_a_single_tool_is_one_step_whose_lines_stand_alone(app: TestApp) -> None:
    job_id = submit(app, deploy(app, sh("echo hello >&2")), {"x": 1})
    assert finished(app, job_id)["status"] == "successful"
    (step,) = steps_of(app, job_id).values()
    assert (step["status"], step["number"], step["log"]) == ("successful", 1, ["hello"])
    assert [line["message"] for line in app.get(f"/jobs/{job_id}/logs").json["logs"]][:1] == ["hello"]


def test_a_failed_step_says_what_it_was_and_what_it_printed(app: TestApp) -> None:
    document = workflow(
        {
            "first": {"run": sh("echo fine"), "in": {"x": "code"}, "out": ["out"]},
            "second": {
                "run": sh(
                    "echo no such band >&2; exit $0", stderr="err.txt", outputs={"out": "stdout", "err": "stderr"}
                ),
                "in": {"x": "code", "after": "first/out"},
                "out": ["out"],
            },
            "third": {"run": sh("echo never"), "in": {"x": "code", "after": "second/out"}, "out": ["out"]},
        }
    )
    job_id = submit(app, deploy(app, document), {"numbers": [], "code": 3})
    assert finished(app, job_id)["status"] == "failed"
    steps = steps_of(app, job_id)
    assert {name: step["status"] for name, step in steps.items()} == {
        "first": "successful",
        "second": "failed",
        "third": "skipped",
    }
    assert (steps["second"]["exitCode"], steps["second"]["message"], steps["second"]["log"]) == (
        3,
        "ended with exit code 3",
        ["no such band"],
    )
    detail = app.get(f"/jobs/{job_id}/exceptions").json["exceptions"][0]["detail"]
    assert "Step 'second' ended with exit code 3" in detail
    assert "Command: sh -c 'echo no such band" in detail
    assert detail.endswith("Its last lines:\nno such band")


GLOB = {"out": {"type": "File", "outputBinding": {"glob": "*.tif"}}}
SCRIPT = {"class": "InitialWorkDirRequirement", "listing": [{"entryname": "run.sh", "entry": "echo"}]}


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (
            sh("echo; touch table.csv", outputs=GLOB),
            "Did not find output file with glob pattern: ['*.tif']. The command left: out.txt, table.csv.",
        ),
        (
            sh("", baseCommand="gdalwrap"),
            "Step '{name}': The command 'gdalwrap' was not found: it is not installed where",
        ),
        (
            sh("", baseCommand="./run.sh", requirements=[JS, SCRIPT]),
            "The command './run.sh' is a file that may not be executed",
        ),
    ],
    ids=["output", "command", "script"],
)
def test_a_step_that_fails_by_a_slip_of_its_author_says_it_in_his_words(app: TestApp, tool: dict, told: str) -> None:
    """Not in those of the sandbox, nor with folders of the server; and the answer leads to the job."""
    name = deploy(app, tool)
    answer = app.post_json(f"/processes/{name}/execution", {"inputs": {"x": 1}}, status=500).json
    assert told.format(name=name) in answer["detail"]
    step = app.get(f"{answer['instance']}/steps").json["steps"][0]
    assert step["status"] == "failed"
    assert step["message"] in answer["detail"]
    assert "/cache/" not in step["message"]
    assert ".." not in answer["detail"]


def test_a_tool_whose_expression_is_wrong_is_the_step_that_failed(app: TestApp) -> None:
    name = deploy(app, sh("", arguments=["$(inputs.x + )"]))
    url = app.post_json(f"/processes/{name}/execution", {"inputs": {"x": 1}}, status=500).json["instance"]
    step = app.get(f"{url}/steps").json["steps"][0]
    assert step["status"] == "failed"
    assert step["message"].startswith("could not be started: ")
    assert "in the expression: (inputs.x + )" in step["message"]
    assert "Traceback" not in app.get(f"{url}/logs").text


ENUM = {"type": "enum", "symbols": ["low", "high"]}
RECORD = {"type": "record", "fields": [{"name": "level", "type": ENUM}]}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (["null", {"type": "array", "items": ENUM}], ["low", "high"]),
        (["null", {"type": "array", "items": RECORD}], [{"level": "high"}]),
        (["null", {"type": "array", "items": {"type": "array", "items": ENUM}}], [["low"], ["high"]]),
        (
            {"type": "record", "fields": [{"name": "levels", "type": ["null", {"type": "array", "items": ENUM}]}]},
            {"levels": ["low"]},
        ),
    ],
    ids=["enums", "records", "in an array", "in a record"],
)
def test_arrays_of_enums_and_records_may_be_one_of_several_types(app: TestApp, kind: object, value: object) -> None:
    name = deploy(
        app,
        {
            "class": "CommandLineTool",
            "requirements": [JS],
            "baseCommand": "true",
            "inputs": {"x": {"type": kind}},
            "outputs": {"y": {"type": "string", "outputBinding": {"outputEval": "$(JSON.stringify(inputs.x))"}}},
        },
    )
    assert json.loads(app.post_json(f"/processes/{name}/execution", {"inputs": {"x": value}}, status=200).text) == value


def test_a_step_that_was_killed_names_the_signal(app: TestApp) -> None:
    job_id = submit(
        app,
        deploy(app, workflow({"a": {"run": sh("kill -9 $$"), "in": {"x": "code"}, "out": ["out"]}})),
        {"numbers": [], "code": 1},
    )
    assert finished(app, job_id)["status"] == "failed"
    (step,) = steps_of(app, job_id).values()
    assert step["status"] == "failed"
    assert step.get("signal", step.get("exitCode")) in (
        9,
        137,
    )  # a command that is confined dies in a process of its own


def test_an_expression_that_fails_is_the_step_that_failed(app: TestApp) -> None:
    expression = {
        "class": "ExpressionTool",
        "requirements": [JS],
        "inputs": {"x": "int"},
        "outputs": {"y": "int"},
        "expression": "${throw 'too odd';}",
    }
    job_id = submit(
        app,
        deploy(app, workflow({"odd": {"run": expression, "in": {"x": "code"}, "out": ["y"]}})),
        {"numbers": [], "code": 1},
    )
    assert finished(app, job_id)["status"] == "failed"
    assert "too odd" in steps_of(app, job_id)["odd"]["message"]
    assert "Step 'odd' could not be evaluated" in app.get(f"/jobs/{job_id}/exceptions").json["exceptions"][0]["detail"]


def test_progress_is_steps_done_of_steps_known(app: TestApp) -> None:
    """A half for the first step; a quarter each for the jobs of the second one.

    The log says with each line what the progress was.
    """
    document = workflow(
        {
            "first": {"run": sh("echo 1"), "in": {"x": "code"}, "out": ["out"]},
            "each": {
                "run": sh("echo $0"),
                "scatter": "x",
                "in": {"x": "numbers", "after": "first/out"},
                "out": ["out"],
            },
        }
    )
    name = deploy(app, document)
    with_events = submit(app, name, {"numbers": [1, 2], "code": 1})
    events = app.get(f"/jobs/{with_events}/events").text
    told = [
        json.loads(part.split("data: ")[1])["progress"]
        for part in events.split("\n\n")
        if part.startswith("event: progress")
    ]
    assert told == sorted(set(told))
    assert set(told) <= {50, 75}
    assert finished(app, with_events)["progress"] == 100


def test_steps_are_told_as_they_happen(app: TestApp) -> None:
    job_id = submit(app, deploy(app, WHOLE), {"numbers": [1], "code": 1})
    events = [part for part in app.get(f"/jobs/{job_id}/events").text.split("\n\n") if part.startswith("event: step")]
    told: dict[str, list[str]] = {}
    for part in events:
        step = json.loads(part.split("data: ")[1])
        told.setdefault(step["name"], []).append(step["status"])
    assert {name: statuses[-1] for name, statuses in told.items()}["sub/inner"] == "successful"
    assert all(len(statuses) == len(set(statuses)) for statuses in told.values())


def test_steps_come_in_pages_and_as_html(app: TestApp) -> None:
    job_id = submit(app, deploy(app, WHOLE), {"numbers": [1], "code": 1})
    finished(app, job_id)
    (link,) = [link for link in app.get(f"/jobs/{job_id}").json["links"] if link["rel"] == "steps"]
    names, url = [], link["href"] + "?limit=2"
    while url:
        page = app.get(url).json
        names += [step["name"] for step in page["steps"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert names == list(steps_of(app, job_id))
    assert "sub/inner" in app.get(f"/jobs/{job_id}/steps?f=html").text


def test_a_python_process_has_no_steps_and_an_unknown_job_is_not_found(app: TestApp) -> None:
    job_id = submit(app, "echo", {"message": "x"})
    finished(app, job_id)
    assert app.get(f"/jobs/{job_id}/steps").json["steps"] == []
    app.get("/jobs/unknown/steps", status=404)
    app.get(f"/jobs/{job_id}/steps?after=-1", status=400)


def test_a_step_that_its_job_took_along_is_not_said_to_run(app: TestApp) -> None:
    document = workflow(
        {
            "long": {"run": sh("sleep 60"), "in": {"x": "code"}, "out": ["out"]},
            "next": {"run": sh("echo"), "in": {"x": "code", "after": "long/out"}, "out": ["out"]},
        }
    )
    job_id = submit(app, deploy(app, document), {"numbers": [], "code": 1})
    wait_until(lambda: steps_of(app, job_id).get("long", {}).get("status") == "running", 30, "the first step")
    assert steps_of(app, job_id)["next"]["status"] == "accepted"
    app.delete(f"/jobs/{job_id}")
    steps = steps_of(app, job_id)
    assert (steps["long"]["status"], steps["long"]["message"]) == ("failed", "was ended with the job")
    assert steps["next"]["status"] == "skipped"


CONFLICT = {
    "class": "InitialWorkDirRequirement",
    "listing": [{"entryname": "a", "entry": "1"}, {"entryname": "a", "entry": "2"}],
}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            {
                "run": sh("true", inputs={"x": "string"}, requirements={"InitialWorkDirRequirement": CONFLICT}),
                "in": {"x": "xs"},
            },
            id="in a step",
        ),
        pytest.param(
            {
                "run": sh("true", inputs={"x": "string"}),
                "in": {"x": {"source": "xs", "valueFrom": "$(self.nothing.there)"}},
            },
            id="between two steps",
        ),
    ],
)
def test_a_fault_while_other_steps_run_fails_the_job_and_hangs_nobody(app: TestApp, broken: dict) -> None:
    document = workflow(
        {
            "slow": {"run": sh("sleep 1; true", inputs={"x": "string"}), "scatter": "x", "in": {"x": "xs"}, "out": []},
            "broken": broken | {"scatter": "x", "out": []},
        },
        inputs={"xs": "string[]"},
    )
    document["requirements"] = {
        "ScatterFeatureRequirement": {},
        "StepInputExpressionRequirement": {},
        "InlineJavascriptRequirement": {},
    }
    job = finished(app, submit(app, deploy(app, document), {"xs": ["a", "b", "c"]}))
    assert job["status"] == "failed"
    assert len(job["message"]) > 20
