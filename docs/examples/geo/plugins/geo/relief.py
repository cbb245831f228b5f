"""Hillshade of an elevation model."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.io import DatasetReader
from rasterio.windows import Window

from weaver_like.authoring import Context, File, Input, InputError, Output, process

from .rasters import GEOTIFF, TIFF, check_band, chunks, open_raster, read_window, whole

PNG = "image/png"
#: Cells that are held in memory at once, some ten times as 8 bytes.
_CHUNK_CELLS = 2**19
#: Value of a cell without data; light is 1 (none) to 255 (full).
_NODATA = 0
#: Place across the direction of a slope -> weight.
_WEIGHTS = ((-1, 1), (0, 2), (1, 1))
_MAJOR_AXIS_M, _ECCENTRICITY_2 = 6378137.0, 0.00669437999014  # WGS84


@dataclass(frozen=True, slots=True)
class _Light:
    """azimuth, altitude: of the sun, in degrees clockwise from north and above
    the horizon.  z_factor: metres per unit of height."""

    azimuth: float
    altitude: float
    z_factor: float

    def check(self) -> None:
        """Raises: InputError, if a number is out of its range; NaN is."""
        if not 0 <= self.azimuth <= 360:
            raise InputError(f"The azimuth is {self.azimuth}; 0 to 360 degrees are possible.")
        if not 0 <= self.altitude <= 90:
            raise InputError(f"The altitude is {self.altitude}; 0 to 90 degrees are possible.")
        if not 0 < self.z_factor < math.inf:
            raise InputError(f"The z_factor is {self.z_factor}; a number greater than 0 is needed.")


@process(
    title="Hillshade",
    version="1.0.0",
    keywords=["raster", "terrain", "hillshade"],
    outputs={
        "image": Annotated[File, Output(title="Picture; cells without data are transparent", media_types=[PNG])],
        "raster": Annotated[File, Output(title="8 bit raster; 0 where there are no data", media_types=[GEOTIFF])],
    },
)
def hillshade(
    context: Context,
    dem: Annotated[
        File,
        Input(title="Elevation model", description="A GeoTIFF; its first band is used.", media_types=[GEOTIFF, TIFF]),
    ],
    azimuth: Annotated[
        float,
        Input(title="Direction of the light", description="Degrees clockwise from north.", minimum=0, maximum=360),
    ] = 315.0,
    altitude: Annotated[
        float, Input(title="Height of the light", description="Degrees above the horizon.", minimum=0, maximum=90)
    ] = 45.0,
    z_factor: Annotated[
        float, Input(title="Metres per unit of height", description="Greater than 0; 0.3048 for feet.", minimum=0)
    ] = 1.0,
) -> dict:
    """Light and shade of terrain under a distant sun, by Horn's method.

    Cell sizes in degrees are taken as metres on the ellipsoid.
    """
    light = _Light(azimuth, altitude, z_factor)
    light.check()
    raster, image = context.workdir / "hillshade.tif", context.workdir / "hillshade.png"
    with open_raster(dem.path) as dataset:
        check_band(dataset, 1)
        _check_grid(dataset)
        _write_shade(dataset, light, raster, context)
        context.progress(90, "writing the picture")
        # GDAL copies line by line, so memory stays bounded; the nodata value
        # becomes the transparent one of the picture.
        rasterio.shutil.copy(raster, image, driver="PNG")
    return {"image": File(image, PNG), "raster": File(raster, GEOTIFF)}


def _check_grid(dataset: DatasetReader) -> None:
    """Raises: InputError, if the rows do not run from west to east."""
    if dataset.transform.b or dataset.transform.d:
        raise InputError("The raster is rotated; one whose rows run from west to east is needed.")
    if dataset.crs.is_geographic and max(abs(dataset.bounds.bottom), abs(dataset.bounds.top)) > 90.5:
        raise InputError("The raster reaches beyond the poles.")


def _write_shade(dataset: DatasetReader, light: _Light, path: Path, context: Context) -> None:
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 1,
        "nodata": _NODATA,
        "crs": dataset.crs,
        "transform": dataset.transform,
        "width": dataset.width,
        "height": dataset.height,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "BIGTIFF": "IF_SAFER",
    }
    windows = chunks(dataset, 1, whole(dataset), _CHUNK_CELLS)
    with rasterio.open(path, "w", **profile) as output:
        for number, window in enumerate(windows):
            context.check_cancelled()
            context.progress(90 * number / len(windows))
            output.write(_shade(dataset, window, light), 1, window=window)


def _shade(dataset: DatasetReader, window: Window, light: _Light) -> np.ndarray:
    """Light of the cells of a window: 1 to 255, 0 without data.

    Source: the slopes are of Horn, Hill shading and the reflectance map, Proceedings of the IEEE
    69 (1981), 14-47: differences over three rows and columns, the middle one counting twice. The
    light is the cosine between sun and surface normal.
    """
    surface = _read_surface(dataset, window)
    cell_x, cell_y = _cell_size_m(dataset, window)
    east = (
        sum(weight * (surface.heights(row, 1) - surface.heights(row, -1)) for row, weight in _WEIGHTS)
        * light.z_factor
        / (8 * cell_x)
    )
    north = (
        sum(weight * (surface.heights(1, column) - surface.heights(-1, column)) for column, weight in _WEIGHTS)
        * light.z_factor
        / (8 * cell_y)
    )
    azimuth, altitude = math.radians(light.azimuth), math.radians(light.altitude)
    along = math.sin(azimuth) * east + math.cos(azimuth) * north
    cosine = (math.sin(altitude) - math.cos(altitude) * along) / np.sqrt(1 + east**2 + north**2)
    shade = 1 + np.rint(254 * np.clip(cosine, 0, 1))
    return np.where(surface.valid[1:-1, 1:-1], shade, _NODATA).astype("uint8")


@dataclass(frozen=True, slots=True)
class _Surface:
    """Heights of a window with one cell around it, and which of them are data."""

    values: np.ndarray
    valid: np.ndarray

    def heights(self, row: int, column: int) -> np.ndarray:
        """Heights so many cells below and to the right (-1, 0, 1) of each cell
        of the window; without data, its own height."""
        height, width = self.values.shape
        there = slice(1 + row, height - 1 + row), slice(1 + column, width - 1 + column)
        return (
            self.values[there]
            if self.valid.all()
            else np.where(self.valid[there], self.values[there], self.values[1:-1, 1:-1])
        )


def _read_surface(dataset: DatasetReader, window: Window) -> _Surface:
    """A window and one cell around it.

    Beyond the raster the surface goes on straight, where it has two cells to go by.
    """
    top, left = min(1, window.row_off), min(1, window.col_off)
    bottom = min(1, dataset.height - window.row_off - window.height)
    right = min(1, dataset.width - window.col_off - window.width)
    wider = Window(
        window.col_off - left, window.row_off - top, window.width + left + right, window.height + top + bottom
    )
    values, valid = read_window(dataset, 1, wider)
    heights = np.where(valid, values, 0).astype("float64")
    for missing in ((1 - top, 1 - bottom), (0, 0)), ((0, 0), (1 - left, 1 - right)):
        heights = np.pad(heights, missing, mode="reflect", reflect_type="odd")
        valid = np.pad(valid, missing, mode="edge") & np.pad(valid, missing, mode="reflect")
    return _Surface(heights, valid)


def _cell_size_m(dataset: DatasetReader, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Metres to the next column and the next row (negative if that is south), one row of numbers per row of the window.

    Source: radii of curvature of the ellipsoid along the parallel and the meridian; Snyder (1987), page 25.
    """
    step_x, step_y = dataset.transform.a, dataset.transform.e
    _, factor = dataset.crs.units_factor
    rows = np.arange(window.row_off, window.row_off + window.height)[:, np.newaxis]
    if not dataset.crs.is_geographic:
        return np.full(rows.shape, step_x * factor), np.full(rows.shape, step_y * factor)
    latitudes = (dataset.transform.f + step_y * (rows + 0.5)) * factor  # factor: radians per unit
    flattened = 1 - _ECCENTRICITY_2 * np.sin(latitudes) ** 2
    parallel = _MAJOR_AXIS_M / np.sqrt(flattened) * np.maximum(np.cos(latitudes), 1e-9)
    meridian = _MAJOR_AXIS_M * (1 - _ECCENTRICITY_2) / flattened**1.5
    return step_x * factor * parallel, step_y * factor * meridian
