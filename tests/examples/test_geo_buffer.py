"""The buffers of the geospatial example."""

import json
import math
from pathlib import Path

import pytest

from tests.support.rasters import GEOD, WITHOUT_A_PLACE, np, shapely, square

pytestmark = WITHOUT_A_PLACE


class TestVectorBuffer:
    @pytest.fixture
    def buffer(self, run):
        def buffer(features: dict, distance: float, **more: object) -> list[dict]:
            [output] = run("vector-buffer", features=features, distance=distance, **more).values()
            collection = json.loads(Path(output.path).read_text("utf-8"))
            assert (collection["type"], output.media_type) == ("FeatureCollection", "application/geo+json")
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
