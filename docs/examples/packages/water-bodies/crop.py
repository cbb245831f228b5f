"""The part of a raster inside a box: `crop.py RASTER EPSG XMIN YMIN XMAX YMAX` writes crop.tif.

The box is in the coordinates of EPSG:<EPSG>, longitude or easting first. Its
edges are moved to the nearest edges of cells.
"""

import sys

import rasterio
from rasterio.errors import WindowError
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds


def window_of(raster: rasterio.DatasetReader, epsg: int, box: list[float]) -> Window:
    """The whole cells that fit the box best. Raises: SystemExit, if the raster has none of them."""
    if len(box) != 4 or box[0] >= box[2] or box[1] >= box[3]:
        sys.exit(f"The bbox is {box}; xmin, ymin, xmax, ymax are wanted.")
    if raster.crs is None:
        sys.exit("The raster has no coordinate reference system.")
    wanted = from_bounds(*transform_bounds(f"EPSG:{epsg}", raster.crs, *box), raster.transform)
    try:
        found = wanted.round_offsets().round_lengths().intersection(Window(0, 0, raster.width, raster.height))
    except WindowError:
        found = Window(0, 0, 0, 0)
    if not (found.width and found.height):
        sys.exit(
            f"The bbox {box} (EPSG:{epsg}) has no cell of the raster, "
            f"which covers {tuple(raster.bounds)} ({raster.crs})."
        )
    return found


def main(path: str, epsg: str, *box: str) -> None:
    with rasterio.open(path) as raster:
        window = window_of(raster, int(epsg), [float(side) for side in box])
        profile = {
            "driver": "GTiff",
            "count": 1,
            "dtype": raster.dtypes[0],
            "crs": raster.crs,
            "nodata": raster.nodata,
            "width": window.width,
            "height": window.height,
            "transform": raster.window_transform(window),
            "compress": "deflate",
        }
        with rasterio.open("crop.tif", "w", **profile) as cropped:
            cropped.write(raster.read(1, window=window), 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
