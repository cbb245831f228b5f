"""Workflows of CWL, their deployment and their steps."""

import json
import uuid
from typing import Any

from webtest import TestApp

JS = {"class": "InlineJavascriptRequirement"}
INPUTS = {"numbers": "int[]", "code": "int"}


def sh(script: str, **more: Any) -> dict:
    """A tool that runs a script of the shell; $0 is its input x."""
    return {
        "class": "CommandLineTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", script],
        "inputs": {"x": {"type": "int", "inputBinding": {}}},
        "outputs": {"out": "stdout"},
        "stdout": "out.txt",
    } | more


def workflow(steps: dict, inputs: dict | None = None, outputs: dict | None = None) -> dict:
    features = (
        "ScatterFeatureRequirement",
        "SubworkflowFeatureRequirement",
        "InlineJavascriptRequirement",
        "StepInputExpressionRequirement",
        "MultipleInputFeatureRequirement",
    )
    return {
        "class": "Workflow",
        "requirements": {name: {} for name in features},
        "inputs": inputs or INPUTS,
        "outputs": outputs or {},
        "steps": steps,
    }


def deploy(app: TestApp, document: dict) -> str:
    """The id of the process that it makes."""
    name = f"p{uuid.uuid4().hex[:12]}"
    app.post(
        f"/processes?id={name}",
        json.dumps({"cwlVersion": "v1.2", "id": name} | document),
        {"Content-Type": "application/cwl+json"},
        status=201,
    )
    return name


def steps_of(app: TestApp, job_id: str) -> dict[str, dict]:
    return {step["name"]: step for step in app.get(f"/jobs/{job_id}/steps?limit=1000").json["steps"]}
