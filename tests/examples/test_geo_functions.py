"""The geospatial example processes against known truths. Needs the packages of docs/examples/geo/requirements.txt."""

import json
import zipfile

import pytest

from tests.examples.conftest import refuse
from tests.support.places import GEO_PLUGIN
from tests.support.rasters import UTM13, WITHOUT_A_PLACE, in_utm, np, pyproj, rasterio, shapely, square, write_raster
from weaver_like.authoring.context import Cancelled, Context
from weaver_like.authoring.load import describe

pytestmark = WITHOUT_A_PLACE


def statistics(outputs: dict) -> list[dict]:
    return outputs["statistics"].value


def one(outputs: dict) -> tuple:
    [entry] = statistics(outputs)
    return entry["count"], entry["min"], entry["max"], entry["mean"]


def test_the_plugin_describes_three_processes():
    assert {process.id for process in describe(GEO_PLUGIN)} == {"zonal-statistics", "vector-buffer", "hillshade"}


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
        json.dumps(statistics(outputs), allow_nan=False)

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
            "zonal-statistics",
            Context(tmp_path, "job", {}, told.append, refuse),
            raster=raster,
            zones=in_utm(zone, zone),
        )
        assert [message.percent for message in told] == [0, 50]
        dismissed = Context(tmp_path, "job", {}, told.append, refuse)
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
