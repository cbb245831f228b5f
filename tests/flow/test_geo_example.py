"""The geospatial example through the server, on real data: golden numbers by value and by reference."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.client import finished, submit
from tests.support.places import GEO

pytest.importorskip("rasterio", reason="the example's own requirements are not installed (make install-examples)")
GOLDEN = {"count": 19696, "min": 2331, "max": 4261, "mean": 3206.19}
GEOTIFF = "image/tiff; application=geotiff"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    run = subprocess.run(
        [sys.executable, str(GEO / "sample_data.py"), str(folder)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        pytest.skip(f"the sample data is not to be had: {run.stderr[-200:]}")
    return folder


@pytest.fixture
def geo(make_app: object, sample: Path) -> TestApp:
    return make_app(f"plugins.folders={GEO / 'plugins'}", f"security.file_roots={sample}")


def rounded(statistics: dict) -> dict:
    return {name: round(statistics[name], 2) for name in GOLDEN}


def test_zonal_statistics_of_referenced_files_are_the_golden_numbers(geo: TestApp, sample: Path) -> None:
    for zones in ("rmnp.geojson", "rmnp.zip"):
        answer = geo.post_json(
            "/processes/zonal-statistics/execution",
            {
                "inputs": {
                    "raster": {"href": (sample / "rmnp-dem.tif").as_uri(), "type": GEOTIFF},
                    "zones": {"href": (sample / zones).as_uri()},
                }
            },
        )
        assert [rounded(zone) for zone in answer.json] == [GOLDEN], zones


def test_zonal_statistics_of_inline_values_are_the_same(geo: TestApp, sample: Path) -> None:
    raster = base64.b64encode((sample / "rmnp-dem.tif").read_bytes()).decode()
    zones = json.loads((sample / "rmnp.geojson").read_text())
    job_id = submit(
        geo,
        "zonal-statistics",
        {
            "raster": {"value": raster, "mediaType": GEOTIFF, "encoding": "base64"},
            "zones": {"value": zones, "mediaType": "application/geo+json"},
        },
        response="document",
    )
    assert finished(geo, job_id)["status"] == "successful"
    assert [rounded(zone) for zone in geo.get(f"/jobs/{job_id}/results").json["statistics"]] == [GOLDEN]


def test_hillshade_gives_a_png_and_a_geotiff(geo: TestApp, sample: Path) -> None:
    job_id = submit(geo, "hillshade", {"dem": {"href": (sample / "rmnp-dem.tif").as_uri()}})
    assert finished(geo, job_id)["status"] == "successful"
    image, raster = geo.get(f"/jobs/{job_id}/results/image"), geo.get(f"/jobs/{job_id}/results/raster")
    assert (image.content_type, image.body[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert (raster.content_type, raster.body[:2]) == ("image/tiff", b"II")


def test_a_buffer_is_as_large_as_the_ellipsoid_says(geo: TestApp) -> None:
    point = {"type": "Point", "coordinates": [10.0, 60.0]}
    answer = geo.post_json(
        "/processes/vector-buffer/execution",
        {"inputs": {"features": {"value": point, "mediaType": "application/geo+json"}, "distance": 1000}},
    )
    ring = answer.json["features"][0]["geometry"]["coordinates"][0]
    width_deg, height_deg = (max(part[axis] for part in ring) - min(part[axis] for part in ring) for axis in (0, 1))
    assert height_deg == pytest.approx(2000 / 111412, rel=0.01)  # metres of a degree of latitude at 60 degrees, WGS84
    assert width_deg == pytest.approx(2000 / 55800, rel=0.01)  # and of longitude


def test_a_raster_that_is_none_fails_the_job_and_says_so(geo: TestApp) -> None:
    """/req/core/job-results-failed: the input is to blame, so it is 400."""
    text = base64.b64encode(b"no raster").decode()
    zone = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    job_id = submit(
        geo,
        "zonal-statistics",
        {
            "raster": {"value": text, "mediaType": GEOTIFF},
            "zones": {"value": zone, "mediaType": "application/geo+json"},
        },
    )
    assert finished(geo, job_id)["status"] == "failed"
    assert "GeoTIFF" in geo.get(f"/jobs/{job_id}/results", status=400).json["detail"]
