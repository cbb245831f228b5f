"""Buffers in metres around features in longitude and latitude."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import shapely
from pyproj import Proj
from shapely.geometry import LinearRing, LineString, Point, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from weaver_like.authoring import Context, File, Input, InputError, Output, process

from .features import CRS84, GEOJSON, geometry_of, make_transformer, read_geojson, transform

#: Farthest that an outline may be from the centre of its part. An azimuthal equidistant map is true along the lines
#: through its centre; across them it is too long by r^2 / 6 R^2: 0.4 % at 1000 km.
MAX_REACH_M = 1_000_000
#: Straight edges in longitude and latitude are curves on the map; they are cut until they are off by no more than this.
_TOLERANCE = 0.001
_MAX_CUTS = 20_000
_METRES_PER_DEGREE = 111_320
_POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class _Brush:
    """distance_m: negative shrinks.  segments: of a quarter circle."""

    distance_m: float
    segments: int

    def edge_m(self, pole_m: float) -> float:
        """Longest edge that is still straight enough, `pole_m` metres from the nearest pole, where meridians crowd."""
        tolerance_m = _TOLERANCE * abs(self.distance_m)
        return math.sqrt(8 * tolerance_m * max(pole_m, tolerance_m))


@process(title="Buffer of vector features", version="1.0.0", keywords=["vector", "buffer", "geodesic"])
def vector_buffer(
    context: Context,
    features: Annotated[File, Input(title="Features", description="GeoJSON.", media_types=[GEOJSON])],
    distance: Annotated[float, Input(title="Distance in metres", description="A negative distance shrinks polygons.")],
    segments: Annotated[int, Input(title="Segments of a quarter circle", minimum=1, maximum=256)] = 16,
) -> Annotated[File, Output(id="buffered", title="A FeatureCollection with the buffers", media_types=[GEOJSON])]:
    """The area within a distance of each feature, on the WGS84 ellipsoid; ids and properties stay.

    Each part of a feature is buffered on a map of its own, so the distance holds within 1 % at any latitude. A
    polygon that a negative distance makes vanish keeps its feature, with a null geometry.
    """
    if not math.isfinite(distance) or distance == 0:
        raise InputError(f"The distance is {distance}; a number other than 0 is needed.")
    if not 1 <= segments <= 256:
        raise InputError(f"{segments} segments are asked for; 1 to 256 are possible.")
    collection = read_geojson(features.path)
    to_wgs84 = make_transformer(collection.crs, CRS84)
    buffered = []
    for number, feature in enumerate(collection.features):
        context.check_cancelled()
        context.progress(100 * number / len(collection.features), f"feature {number + 1} of {len(collection.features)}")
        geometry = geometry_of(feature, number)
        area = (
            None
            if geometry is None
            else _buffer(transform(geometry, to_wgs84, number), _Brush(distance, segments), number)
        )
        buffered.append({**_without_box(feature), "geometry": area})
    path = context.workdir / "buffered.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": buffered}, ensure_ascii=False, allow_nan=False), "utf-8"
    )
    return File(path, GEOJSON)


def _without_box(feature: dict) -> dict:
    """A feature without what describes the old geometry."""
    return {"properties": None} | {
        name: value for name, value in feature.items() if name not in ("bbox", "crs", "geometry")
    }


def _buffer(geometry: BaseGeometry, brush: _Brush, number: int) -> dict | None:
    """The buffer of a valid geometry in longitude and latitude, as GeoJSON; None if nothing is left.

    Raises: InputError, if it is too large, not on the globe, or cannot be shrunk.
    """
    parts = list(_parts(geometry))
    if brush.distance_m < 0 and (wrong := [part.geom_type for part in parts if part.geom_type not in _POLYGONS]):
        raise InputError(f"Feature {number} is a {wrong[0]}; a negative distance is possible for polygons only.")
    left, bottom, right, top = geometry.bounds
    if bottom < -90 or top > 90 or left < -360 or right > 360:
        raise InputError(f"Feature {number} has coordinates that are no longitudes and latitudes in degrees.")
    area = shapely.union_all([_buffer_part(part, brush, number) for part in parts])
    polygons = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    if not polygons:
        return None
    # Right-hand rule, RFC 7946 section 3.1.6.
    return mapping(shapely.orient_polygons(polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)))


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    if hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _parts(part)
    elif not geometry.is_empty:
        yield geometry


def _buffer_part(part: BaseGeometry, brush: _Brush, number: int) -> BaseGeometry:
    """Buffer of one point, line or polygon, on the azimuthal equidistant map of its centre.

    Source: Snyder, Map Projections - A Working Manual (USGS 1395, 1987), pages 191 to 202.
    """
    left, bottom, right, top = part.bounds
    longitude, latitude = (left + right) / 2, (bottom + top) / 2
    local = Proj(proj="aeqd", lon_0=longitude, lat_0=latitude, ellps="WGS84")
    edge_m = brush.edge_m((90 - max(abs(bottom), abs(top))) * _METRES_PER_DEGREE)
    finer = shapely.segmentize(part, max(edge_m / _METRES_PER_DEGREE, part.length / _MAX_CUTS)) if part.length else part
    flat = shapely.transform(finer, lambda points: np.column_stack(local(points[:, 0], points[:, 1])))
    reach_m = np.hypot(*shapely.get_coordinates(flat).T).max() + max(0, brush.distance_m)
    if not reach_m <= MAX_REACH_M:
        raise InputError(
            f"A part of feature {number} reaches {reach_m / 1000:.0f} km from its centre, with the distance; at most "
            f"{MAX_REACH_M // 1000} km are possible. Cut it, and cut what crosses the 180th meridian there."
        )
    flat = flat if flat.is_valid else shapely.make_valid(flat, method="structure")
    outlined = flat.buffer(brush.distance_m, quad_segs=brush.segments)
    pole = Point(local(0, math.copysign(90, latitude)))
    return shapely.union_all([_unproject(polygon, local, pole, brush) for polygon in _parts(outlined)])


def _unproject(polygon: Polygon, local: Proj, pole: Point, brush: _Brush) -> BaseGeometry:
    """A polygon of the local map in longitude and latitude, cut at the 180th meridian."""
    area = _ring_area(polygon.exterior, local, pole, brush)
    for hole in polygon.interiors:
        area = area.difference(_ring_area(hole, local, pole, brush))
    return area


def _ring_area(ring: LinearRing, local: Proj, pole: Point, brush: _Brush) -> BaseGeometry:
    """What a ring of the local map encloses, in longitude and latitude from -180 to 180, pole included."""
    edge_m = max(brush.edge_m(LineString(ring).distance(pole)), ring.length / _MAX_CUTS)
    points = shapely.get_coordinates(shapely.segmentize(ring, edge_m))
    longitudes, latitudes = local(points[:, 0], points[:, 1], inverse=True)
    longitudes = np.unwrap(longitudes, period=360)
    corners = list(zip(longitudes.tolist(), latitudes.tolist(), strict=True))
    if abs(longitudes[-1] - longitudes[0]) > 180:
        # The ring goes round the pole: in longitude and latitude the pole is an edge, as long as the equator.
        top = math.copysign(90, latitudes[0])
        corners += [(corners[-1][0], top), (corners[0][0], top)]
    area = Polygon(corners)
    area = area if area.is_valid else shapely.make_valid(area, method="structure")
    turns = range(math.floor((area.bounds[0] + 180) / 360), math.ceil((area.bounds[2] + 180) / 360))
    return shapely.union_all(
        [_shift(area.intersection(box(360 * turn - 180, -90, 360 * turn + 180, 90)), -360 * turn) for turn in turns]
    )


def _shift(geometry: BaseGeometry, degrees: float) -> BaseGeometry:
    return shapely.transform(geometry, lambda points: points + (degrees, 0)) if degrees else geometry  # noqa: RUF005 (numbers are added)
