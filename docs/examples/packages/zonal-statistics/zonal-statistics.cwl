cwlVersion: v1.2
$namespaces: {s: "https://schema.org/", ogc: "http://www.opengis.net/def/media-type/ogc/1.0/", iana: "https://www.iana.org/assignments/media-types/"}
s:softwareVersion: 1.0.0
class: CommandLineTool
id: zonal-statistics-cwl
label: Zonal statistics
doc: |
  Count, minimum, maximum and mean of the cells of a raster whose centre lies in each polygon.
hints:
  DockerRequirement: {dockerPull: localhost/geo-packages}
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: zonal_statistics.py
        entry: |
          """Statistics of a raster in polygons: `zonal_statistics.py RASTER ZONES BAND` writes statistics.geojson.

          ZONES: a Shapefile (its .shx, .dbf and .prj beside it), or GeoJSON (CRS84).
          """
          import json
          import sys
          from contextlib import ExitStack
          from pathlib import Path

          import numpy as np
          import rasterio
          import shapefile
          from rasterio.features import geometry_mask
          from rasterio.warp import transform_geom

          CRS84 = "OGC:CRS84"


          def read_zones(path: Path) -> tuple[list[dict], str]:
              """GeoJSON features, and their coordinate reference system. A bare geometry counts as a feature without properties."""
              if path.suffix != ".shp":
                  document = json.loads(path.read_text("utf-8"))
                  if document["type"] == "FeatureCollection":
                      return document["features"], CRS84
                  return [document if document["type"] == "Feature" else {"geometry": document}], CRS84
              # Each by itself: companions that came from several places lie behind links, which the reader would follow.
              with ExitStack() as opened:
                  parts = {part: opened.enter_context(path.with_suffix(f".{part}").open("rb")) for part in ("shp", "shx", "dbf")}
                  reader = shapefile.Reader(**parts)
                  features = [json.loads(json.dumps(entry.__geo_interface__, default=str)) for entry in reader.iterShapeRecords()]
              return features, path.with_suffix(".prj").read_text("utf-8")


          def statistics(band: np.ma.MaskedArray, inside: np.ndarray) -> dict:
              """Of the cells that are inside and have data. A sum of whole numbers is exact."""
              values = band[inside].compressed()
              if not values.size:
                  return {"count": 0, "min": None, "max": None, "mean": None}
              total = values.sum(dtype="float64" if values.dtype.kind == "f" else "int64")
              return {"count": int(values.size), "min": values.min().item(), "max": values.max().item(), "mean": float(total / values.size)}


          def main(raster_path: str, zones_path: str, number: str) -> None:
              features, crs = read_zones(Path(zones_path))
              zones = []
              with rasterio.open(raster_path) as raster:
                  band = raster.read(int(number), masked=True)
                  for feature in features:
                      if (feature.get("geometry") or {}).get("type") not in ("Polygon", "MultiPolygon"):
                          sys.exit("A zone has no polygon.")
                      moved = transform_geom(crs, raster.crs, feature["geometry"])
                      inside = geometry_mask([moved], band.shape, raster.transform, invert=True)
                      zones.append({"type": "Feature", "geometry": transform_geom(crs, CRS84, feature["geometry"]),
                                    "properties": (feature.get("properties") or {}) | statistics(band, inside)})
              Path("statistics.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": zones}))


          main(*sys.argv[1:])
baseCommand: [python3, zonal_statistics.py]
inputs:
  raster:
    label: Raster
    doc: A GeoTIFF with a coordinate reference system.
    type: File
    format: ogc:geotiff
    inputBinding: {position: 1}
  zones:
    label: Zones
    doc: Polygons. GeoJSON (CRS84), or the .shp of a Shapefile; its .shx, .dbf and .prj are looked for beside it.
    type: File
    format: [ogc:geojson, iana:application/vnd.shp]
    secondaryFiles:
      - {pattern: ^.shx, required: "$(self.nameext == '.shp')"}
      - {pattern: ^.dbf, required: "$(self.nameext == '.shp')"}
      - {pattern: ^.prj, required: "$(self.nameext == '.shp')"}
    inputBinding: {position: 2}
  band:
    label: Band
    doc: Its number, from 1.
    type: int
    default: 1
    inputBinding: {position: 3}
outputs:
  statistics:
    label: Statistics
    doc: The zones (GeoJSON, CRS84) with the properties count, min, max and mean; null if a zone has no cell with data.
    type: File
    format: ogc:geojson
    outputBinding: {glob: statistics.geojson}
