cwlVersion: v1.2
$namespaces: {s: "https://schema.org/", ogc: "http://www.opengis.net/def/media-type/ogc/1.0/"}
s:softwareVersion: 1.0.0
class: CommandLineTool
id: vector-buffer-cwl
label: Vector buffer
doc: |
  The area within a distance of each feature, and which other features lie in it.
  Distances hold on the ellipsoid, wherever and however long a feature is.
hints:
  DockerRequirement: {dockerPull: localhost/geo-packages}
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: vector_buffer.py
        entry: |
          """Buffers in metres: `vector_buffer.py FEATURES DISTANCE [CANDIDATES]` writes buffered.geojson.

          With CANDIDATES also selected.geojson, those within the buffers, and count.txt. All GeoJSON is in CRS84.
          """
          import json
          import math
          import sys
          from pathlib import Path

          import numpy as np
          import shapely
          from pyproj import Proj
          from shapely.geometry import mapping, shape
          from shapely.geometry.base import BaseGeometry

          #: Features are cut into pieces of this size, in degrees: each is buffered on a map of its own, around its centre.
          STEP = 1.0
          NORTHMOST = 85


          def read_features(path: str) -> list[dict]:
              """A bare geometry counts as a feature without properties."""
              document = json.loads(Path(path).read_text("utf-8"))
              if document["type"] == "FeatureCollection":
                  return document["features"]
              return [document if document["type"] == "Feature" else {"type": "Feature", "properties": None, "geometry": document}]


          def geometry_of(feature: dict) -> BaseGeometry:
              """Repaired, if it crosses itself. Raises: SystemExit, if there is none."""
              if not feature.get("geometry"):
                  sys.exit("A feature has no geometry.")
              return shapely.make_valid(shape(feature["geometry"]))


          def write_features(name: str, features: list[dict]) -> None:
              Path(name).write_text(json.dumps({"type": "FeatureCollection", "features": features}))


          def pieces(geometry: BaseGeometry) -> list[BaseGeometry]:
              """What of a geometry lies in each square of a grid."""
              west, south, east, north = geometry.bounds
              squares = [shapely.box(x, y, x + STEP, y + STEP)
                         for x in np.arange(math.floor(west), east + STEP, STEP) for y in np.arange(math.floor(south), north + STEP, STEP)]
              return [piece for piece in shapely.intersection(geometry, squares) if not piece.is_empty]


          def buffered(geometry: BaseGeometry, distance_m: float) -> BaseGeometry:
              """In longitude and latitude; across the 180th meridian the longitudes go on."""
              if max(abs(geometry.bounds[1]), abs(geometry.bounds[3])) > NORTHMOST:
                  sys.exit(f"A feature lies beyond {NORTHMOST} degrees north or south.")
              return shapely.union_all([buffered_piece(piece, distance_m) for piece in pieces(geometry)])


          def buffered_piece(piece: BaseGeometry, distance_m: float) -> BaseGeometry:
              """On an azimuthal equidistant map around its centre."""
              west, south, east, north = piece.bounds
              centre = (west + east) / 2
              flat = Proj(proj="aeqd", lon_0=centre, lat_0=(south + north) / 2, ellps="WGS84")

              def onto_map(at: np.ndarray) -> np.ndarray:
                  return np.column_stack(flat(at[:, 0], at[:, 1]))

              def back(at: np.ndarray) -> np.ndarray:
                  x, y = flat(at[:, 0], at[:, 1], inverse=True)
                  return np.column_stack((centre + (x - centre + 180) % 360 - 180, y))

              return shapely.transform(shapely.transform(piece, onto_map).buffer(distance_m), back)


          def main(features_path: str, distance: str, candidates_path: str = "") -> None:
              if not 0 < float(distance) <= 100_000:
                  sys.exit(f"The distance is {distance} m; more than 0 and at most 100000 m are possible.")
              features = read_features(features_path)
              areas = [buffered(geometry_of(feature), float(distance)) for feature in features]
              write_features("buffered.geojson", [{"type": "Feature", "properties": feature.get("properties"),
                                                   "geometry": mapping(shapely.orient_polygons(area))}
                                                  for feature, area in zip(features, areas, strict=True)])
              if candidates_path:
                  everywhere = shapely.union_all(areas)
                  shapely.prepare(everywhere)
                  selected = [one for one in read_features(candidates_path) if everywhere.contains(geometry_of(one))]
                  write_features("selected.geojson", selected)
                  Path("count.txt").write_text(str(len(selected)))


          main(*sys.argv[1:])
baseCommand: [python3, vector_buffer.py]
inputs:
  features:
    label: Features
    doc: GeoJSON (CRS84) with any kind of geometry, up to 85 degrees north and south.
    type: File
    format: ogc:geojson
    inputBinding: {position: 1}
  distance:
    label: Distance
    doc: In metres, up to 100000.
    type: double
    inputBinding: {position: 2}
  candidates:
    label: Candidates
    doc: GeoJSON (CRS84). Those of these features that lie in the buffers are selected.
    type: File?
    format: ogc:geojson
    inputBinding: {position: 3}
outputs:
  buffered:
    label: Buffers
    doc: A GeoJSON feature for each of the features, with its properties.
    type: File
    format: ogc:geojson
    outputBinding: {glob: buffered.geojson}
  selected:
    label: Selected candidates
    doc: GeoJSON, as they were given; absent without candidates.
    type: File?
    format: ogc:geojson
    outputBinding: {glob: selected.geojson}
  count:
    label: Number of selected candidates
    doc: Absent without candidates.
    type: int?
    outputBinding: {glob: count.txt, loadContents: true, outputEval: "$(self.length ? parseInt(self[0].contents) : null)"}
