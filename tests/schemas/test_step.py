"""Steps as a job's child tells them: it runs foreign code."""

from datetime import UTC, datetime

import pytest

from weaver_like.domain.masks import Secrets
from weaver_like.domain.messages import StepChange
from weaver_like.domain.step import MAX_STEPS, Step, StepStatus
from weaver_like.jobs.steps import clean_step
from weaver_like.sandbox.messages import FROM_CHILD
from weaver_like.schemas.step import render_step

T0 = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
GOOD = {"number": 1, "name": "a", "status": "running"}


def told(document: object) -> Step | None:
    """What a worker takes from a message of a child."""
    message = FROM_CHILD.decode({"kind": "step", "step": document})
    return clean_step(message.step, Secrets()) if isinstance(message, StepChange) else None


def test_a_step_is_told_as_it_is() -> None:
    step = Step(
        MAX_STEPS, "sub/a", StepStatus.FAILED, T0, T0, "sh -c x", -9, "was killed", 0.5, 2**40, ("1", ""), "job"
    )
    assert FROM_CHILD.decode(FROM_CHILD.encode(StepChange(step))) == StepChange(step)
    assert clean_step(step, Secrets()) == step
    assert told(GOOD) == Step(1, "a", StepStatus.RUNNING)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        GOOD | {"number": 0},
        GOOD | {"number": MAX_STEPS + 1},
        GOOD | {"number": "1"},
        GOOD | {"number": 1.5},
        GOOD | {"name": ""},
        GOOD | {"name": 5},
        GOOD | {"status": "done"},
        GOOD | {"started": "soon"},
        GOOD | {"started": 5},
        GOOD | {"started": "9999-12-31T23:59:59-23:59"},
        GOOD | {"cpu_s": "x"},
        GOOD | {"peak_bytes": float("inf")},
        GOOD | {"tail": [1]},
        GOOD | {"tail": 7},
    ],
)
def test_what_is_no_step_is_passed_over(document: object) -> None:
    assert told(document) is None


def test_texts_are_masked_and_shortened() -> None:
    step = told(
        GOOD
        | {
            "command": "curl https://me:hidden@host/" + "x" * 9000,
            "name": "n" * 999,
            "tail": ["password=hidden"] * 99,
            "message": "\0",
        }
    )
    assert "hidden" not in repr(step)
    assert (len(step.name), len(step.command) <= 4000, len(step.tail)) == (255, True, 20)


def test_a_signal_is_no_exit_code() -> None:
    assert render_step(Step(1, "a", StepStatus.FAILED, exit_code=-9)) == {
        "number": 1,
        "name": "a",
        "status": "failed",
        "signal": 9,
    }
    assert render_step(Step(1, "a", StepStatus.SUCCESSFUL, exit_code=0))["exitCode"] == 0
