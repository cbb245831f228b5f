"""Statistics of the raster cells in each polygon."""

import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import shapely
from pyproj import CRS, Transformer
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.transform import Affine, array_bounds
from rasterio.windows import Window
from shapely.geometry import MultiPolygon, box
from shapely.geometry.base import BaseGeometry

from weaver_like.authoring import Context, File, Input, InputError, Output, process

from .features import GEOJSON, ZIP, Collection, geometry_of, make_transformer, read_features, transform
from .rasters import GEOTIFF, TIFF, check_band, chunks, open_raster, read_window

#: Cells that are held in memory at once.
_CHUNK_CELLS = 2**21
#: Properties of a feature are repeated in the output up to this length of their JSON.
_PROPERTIES_CHARACTERS = 4096
_NUMBER = {"type": "number", "nullable": True}
_STATISTICS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["zone", "count", "min", "max", "mean"],
        "properties": {
            "zone": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "count": {"type": "integer", "minimum": 0},
            "min": _NUMBER,
            "max": _NUMBER,
            "mean": _NUMBER,
            "properties": {"type": "object"},
        },
    },
}


@process(title="Zonal statistics", version="1.0.0", keywords=["raster", "vector", "statistics"])
def zonal_statistics(
    context: Context,
    raster: Annotated[File, Input(title="Raster", description="A GeoTIFF.", media_types=[GEOTIFF, TIFF])],
    zones: Annotated[
        File,
        Input(
            title="Polygons",
            description="GeoJSON, or one Shapefile with its .prj in a zip archive.",
            media_types=[GEOJSON, ZIP],
        ),
    ],
    band: Annotated[int, Input(title="Band", description="Number of the band, from 1.", minimum=1)] = 1,
) -> Annotated[
    list[dict], Output(id="statistics", title="Statistics, one object per polygon, in order", schema=_STATISTICS)
]:
    """Count, minimum, maximum and mean of the raster cells whose centre lies in each polygon.

    Cells without data are not counted; a polygon without any cell has count 0 and null for the rest.
    Polygons in another coordinate reference system are transformed to that of the raster.
    """
    collection = read_features(zones.path)
    geometries = [_polygons(feature, number) for number, feature in enumerate(collection.features)]
    if all(geometry.is_empty for geometry in geometries):
        raise InputError("The zones have no polygon.")
    with open_raster(raster.path) as dataset:
        check_band(dataset, band)
        projector = _Projector(dataset, collection)
        answer = []
        for number, (feature, geometry) in enumerate(zip(collection.features, geometries, strict=True)):
            context.progress(100 * number / len(geometries), f"zone {number + 1} of {len(geometries)}")
            tally = _tally(dataset, band, projector.to_cells(geometry, number), context)
            answer.append(_label(feature, number) | tally.to_json())
    return answer


def _polygons(feature: dict, number: int) -> MultiPolygon:
    """The polygons of a feature; empty if its geometry is null. Raises: InputError, if it is a point or a line."""
    geometry = geometry_of(feature, number)
    kind = (feature.get("geometry") or {}).get("type")
    if geometry is not None and kind not in ("Polygon", "MultiPolygon"):
        raise InputError(f"Feature {number} is a {kind}; polygons are needed.")
    return _areas(geometry)


def _areas(geometry: BaseGeometry | None) -> MultiPolygon:
    """What of a geometry is a polygon: repairs and cuts may leave lines and points."""
    parts = shapely.get_parts(shapely.get_parts(geometry)) if geometry is not None else []
    return MultiPolygon([part for part in parts if part.geom_type == "Polygon" and not part.is_empty])


def _label(feature: dict, number: int) -> dict:
    """What tells the polygons apart: the id, or the place from 0, and the properties unless they are long."""
    given = feature.get("id")
    label = {"zone": given if isinstance(given, (str, int)) and not isinstance(given, bool) else number}
    properties = feature.get("properties")
    if not properties or not isinstance(properties, dict):
        return label
    try:
        size = len(json.dumps(properties, allow_nan=False))
    except ValueError:  # an infinite number, which JSON cannot hold
        return label
    return label | ({"properties": properties} if size <= _PROPERTIES_CHARACTERS else {})


class _Projector:
    """Brings polygons from their CRS to columns and rows of a raster."""

    def __init__(self, dataset: DatasetReader, collection: Collection):
        target = CRS.from_wkt(dataset.crs.to_wkt())
        self._to_cell = ~dataset.transform
        self._transformer = make_transformer(collection.crs, target)
        self._reach = _reach(dataset, collection.crs, target) if self._transformer else None

    def to_cells(self, geometry: MultiPolygon, number: int) -> MultiPolygon:
        # A projection may break down far from the raster; what lies there has no cells.
        near = _areas(geometry.intersection(self._reach)) if self._reach is not None else geometry
        moved = transform(near, self._transformer, number)
        a, b, c, d, e, f = self._to_cell[:6]
        return _areas(shapely.transform(moved, lambda xy: xy @ np.array([[a, d], [b, e]]) + (c, f)))


def _reach(dataset: DatasetReader, zones: CRS, target: CRS) -> BaseGeometry | None:
    """A generous outline of the raster in the CRS of the zones; None, if it cannot be told."""
    back = Transformer.from_crs(target, zones, always_xy=True)
    bounds = array_bounds(dataset.height, dataset.width, dataset.transform)
    left, bottom, right, top = back.transform_bounds(*bounds, densify_pts=51)
    if not np.isfinite([left, bottom, right, top]).all():
        return None
    # A raster across the 180th meridian: pyproj answers with left > right.
    spans = [(left, right)] if left <= right else [(left, 180.0), (-180.0, right)]
    margin = 0.1 * max(top - bottom, *(end - start for start, end in spans))
    return shapely.union_all([box(start - margin, bottom - margin, end + margin, top + margin) for start, end in spans])


@dataclass(slots=True)
class _Tally:
    """Running statistics. total: exact for whole numbers, extended precision for others."""

    count: int = 0
    least: float | None = None
    most: float | None = None
    total: int | np.longdouble = 0

    def add(self, values: np.ndarray) -> None:
        if not values.size:
            return
        least, most = values.min().item(), values.max().item()
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
        self.count += values.size
        self.total += _sum(values)

    def to_json(self) -> dict:
        mean = float(self.total / self.count) if self.count else None
        return {"count": self.count, "min": self.least, "max": self.most, "mean": mean}


def _sum(values: np.ndarray) -> int | np.longdouble:
    if values.dtype.kind == "f":
        return values.sum(dtype=np.longdouble)
    if values.dtype.itemsize < 8:
        return int(values.sum(dtype=np.int64))
    # The sum of 64 bit numbers needs more than 64 bits: upper and lower halves are added apart.
    return int((values >> 32).sum()) * 2**32 + int((values & 0xFFFFFFFF).sum())


def _tally(dataset: DatasetReader, band: int, cells: MultiPolygon, context: Context) -> _Tally:
    """Statistics of the cells in polygons that are given in columns and rows; only their window is read, in chunks."""
    tally = _Tally()
    window = _window(dataset, cells)
    if window is None:
        return tally
    shapely.prepare(cells)
    for chunk in chunks(dataset, band, window, _CHUNK_CELLS):
        context.check_cancelled()
        outline = box(chunk.col_off, chunk.row_off, chunk.col_off + chunk.width, chunk.row_off + chunk.height)
        if not cells.intersects(outline):
            continue
        values, counts = read_window(dataset, band, chunk)
        if not cells.contains(outline):
            counts &= _centres_inside(cells, chunk)
        tally.add(values[counts])
    return tally


def _window(dataset: DatasetReader, cells: MultiPolygon) -> Window | None:
    if cells.is_empty:
        return None
    left, top, right, bottom = cells.bounds
    column, row = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    width = min(dataset.width, int(np.ceil(right))) - column
    height = min(dataset.height, int(np.ceil(bottom))) - row
    return Window(column, row, width, height) if width > 0 and height > 0 else None


def _centres_inside(cells: MultiPolygon, chunk: Window) -> np.ndarray:
    """Which cells have their centre inside. Source: GDAL's polygon fill rule, `all_touched` off."""
    return rasterize(
        [(cells, 1)],
        out_shape=(chunk.height, chunk.width),
        dtype="uint8",
        transform=Affine.translation(chunk.col_off, chunk.row_off),
        all_touched=False,
    ).astype(bool)
