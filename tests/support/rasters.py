"""Rasters and zones for the geospatial example.

Who imports this is skipped where a package of docs/examples/geo is missing.
"""

from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
rasterio = pytest.importorskip("rasterio")
shapely = pytest.importorskip("shapely")
pyproj = pytest.importorskip("pyproj")
shapefile = pytest.importorskip("shapefile")

GEOD = pyproj.Geod(ellps="WGS84")
UTM13 = "EPSG:32613"
#: A PNG has no place.
WITHOUT_A_PLACE = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


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
