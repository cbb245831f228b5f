"""A raster in two classes: `otsu.py RASTER` writes mask.tif and threshold.txt.

The mask is 1 above the threshold, 0 below, 255 where there is no data. The threshold is the one whose two classes
differ most (Otsu 1979): the greatest variance between them, of a histogram with 256 bins.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio

BINS, NO_DATA = 256, 255


def threshold_of(values: np.ndarray) -> float:
    """values: finite, any number. Raises: SystemExit, if they are all the same."""
    if values.size == 0 or values.min() == values.max():
        sys.exit("The index has the same value everywhere, or none: there is nothing to tell apart.")
    counts, edges = np.histogram(values.astype("float64"), BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * centres)
    above = values.size - below
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return float(centres[np.argmax(between)])


def main(path: str) -> None:
    with rasterio.open(path) as raster:
        values, profile = raster.read(1), raster.profile
    valid = np.isfinite(values)
    threshold = threshold_of(values[valid])
    mask = np.where(valid, values > threshold, NO_DATA).astype("uint8")
    with rasterio.open("mask.tif", "w", **profile | {"dtype": "uint8", "nodata": NO_DATA}) as target:
        target.write(mask, 1)
    Path("threshold.txt").write_text(repr(threshold))


if __name__ == "__main__":
    main(sys.argv[1])
