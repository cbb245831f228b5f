"""The shaded relief of the geospatial example."""

import math
from pathlib import Path

import pytest

from tests.support.rasters import GEOD, WITHOUT_A_PLACE, np, rasterio, write_raster

pytestmark = WITHOUT_A_PLACE


class TestHillshade:
    @staticmethod
    def _expected(slope: float, aspect: float, azimuth: float = 315, altitude: float = 45) -> int:
        """Light by slope and aspect (downhill, clockwise from north), in degrees:
        cos(Z) cos(S) + sin(Z) sin(S) cos(A - a)."""
        zenith, slope, turn = math.radians(90 - altitude), math.radians(slope), math.radians(azimuth - aspect)
        light = math.cos(zenith) * math.cos(slope) + math.sin(zenith) * math.sin(slope) * math.cos(turn)
        return 1 + round(254 * max(0.0, light))

    @staticmethod
    def _read(output: dict):
        with rasterio.open(output.path) as dataset:
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
        picture = Path(outputs["image"].path).read_bytes()
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
