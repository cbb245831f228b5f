"""(A - B) / (A + B) of two bands: `normalized_difference.py A B` writes
index.tif, float32, NaN where a band has no data."""

import sys

import numpy as np
import rasterio


def main(*paths: str) -> None:
    if len(paths) != 2:
        sys.exit(
            f"{len(paths)} bands were given; two are wanted: "
            "the one in which water is bright, e.g. green, then near infrared."
        )
    with rasterio.open(paths[0]) as first, rasterio.open(paths[1]) as second:
        if (first.shape, first.transform, first.crs) != (second.shape, second.transform, second.crs):
            sys.exit("The bands do not have the same grid.")
        a, b = (band.read(1, masked=True).astype("float64") for band in (first, second))
        profile = first.profile | {"dtype": "float32", "nodata": float("nan"), "compress": "deflate"}
    index = (a - b) / np.ma.masked_equal(a + b, 0)
    with rasterio.open("index.tif", "w", **profile) as target:
        target.write(index.filled(np.nan).astype("float32"), 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
