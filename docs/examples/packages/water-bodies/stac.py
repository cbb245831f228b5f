"""A STAC catalog of one mask: `stac.py MASK THRESHOLD TIME` writes the folder "catalog". TIME: RFC 3339; empty: now.

Everything in it is linked relatively, so it may be moved as a whole.
Source: STAC 1.1.0 (catalog-spec, item-spec), projection extension 2.0.0.
"""

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from rasterio.warp import transform_bounds

VERSION = "1.1.0"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
GEOTIFF, GEOJSON = "image/tiff; application=geotiff", "application/geo+json"
NAME = "water-bodies"


def link(relation: str, place: str, media_type: str = "application/json") -> dict:
    return {"rel": relation, "href": place, "type": media_type}


def projection(raster: rasterio.DatasetReader) -> dict:
    epsg = raster.crs.to_epsg()
    code = {"proj:code": f"EPSG:{epsg}"} if epsg else {"proj:code": None, "proj:wkt2": raster.crs.to_wkt("WKT2_2019")}
    return code | {
        "proj:shape": list(raster.shape),
        "proj:transform": list(raster.transform)[:6],
        "proj:bbox": list(raster.bounds),
    }


def item_of(raster: rasterio.DatasetReader, threshold: float, taken: str) -> dict:
    west, south, east, north = transform_bounds(raster.crs, "OGC:CRS84", *raster.bounds)
    values = raster.read(1)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    classes = {"threshold": threshold, "water_cells": int(np.sum(values == 1)), "land_cells": int(np.sum(values == 0))}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [PROJECTION],
        "id": NAME,
        "bbox": [west, south, east, north],
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
        },
        "properties": {"title": "Water bodies", "datetime": taken or now, "created": now}
        | projection(raster)
        | classes,
        "links": [link("root", "../catalog.json"), link("parent", "../catalog.json")],
        "assets": {
            "mask": {
                "href": "./mask.tif",
                "type": GEOTIFF,
                "roles": ["data"],
                "title": "1 water, 0 land",
                "data_type": raster.dtypes[0],
                "nodata": raster.nodata,
            }
        },
    }


def main(mask: str, threshold: str, taken: str = "") -> None:
    folder = Path("catalog", NAME)
    folder.mkdir(parents=True)
    shutil.copyfile(mask, folder / "mask.tif")
    with rasterio.open(mask) as raster:
        item = item_of(raster, float(threshold), taken)
    catalog = {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": f"{NAME}-catalog",
        "description": "Water bodies, told from land by two bands.",
        "links": [link("root", "./catalog.json"), link("item", f"./{NAME}/{NAME}.json", GEOJSON)],
    }
    (folder / f"{NAME}.json").write_text(json.dumps(item, indent=2))
    (folder.parent / "catalog.json").write_text(json.dumps(catalog, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
