"""Reading GeoTIFFs window by window."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from weaver_like.authoring import InputError

GEOTIFF = "image/tiff; application=geotiff"
TIFF = "image/tiff"
#: GDAL's block cache is 5 % of the machine's memory otherwise; no files beside the raster are read or written.
_OPTIONS = {"GDAL_CACHEMAX": 64, "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}
_CHUNK_WIDTH = 1024


@contextmanager
def open_raster(path: Path) -> Iterator[DatasetReader]:
    """A GeoTIFF, open for reading, with a CRS and a position.

    Only GDAL's GeoTIFF driver is allowed: other formats may name further files or addresses to read.
    Raises: InputError, if the file is not a GeoTIFF or lacks a CRS or position.
    """
    with rasterio.Env(**_OPTIONS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(path, driver="GTiff")
        except RasterioError as error:
            raise InputError(f"The raster '{Path(path).name}' is not a readable GeoTIFF.") from error
        with dataset:
            if dataset.crs is None:
                raise InputError("The raster has no coordinate reference system.")
            if dataset.transform.is_identity or dataset.transform.is_degenerate:
                raise InputError("The raster has no usable position: cell size and origin are missing.")
            yield dataset


def check_band(dataset: DatasetReader, band: int) -> None:
    """Raises: InputError, if the raster lacks the band (from 1) or its values are not real numbers."""
    if not 1 <= band <= dataset.count:
        raise InputError(f"Band {band} is asked for; the raster has the bands 1 to {dataset.count}.")
    if np.dtype(dataset.dtypes[band - 1]).kind not in "iuf":
        raise InputError(f"Band {band} has values of type {dataset.dtypes[band - 1]}; real numbers are needed.")


def read_window(dataset: DatasetReader, band: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Stored values of a window and which of them count: not nodata, not masked, finite.

    Raises: InputError, if damaged.
    """
    try:
        values = dataset.read(band, window=window)
        valid = dataset.read_masks(band, window=window) != 0
    except RasterioError as error:
        raise InputError(
            f"The raster is damaged: rows {window.row_off} to {window.row_off + window.height} cannot be read."
        ) from error
    if values.dtype.kind == "f":
        valid &= np.isfinite(values)
    return values, valid


def whole(dataset: DatasetReader) -> Window:
    """The window that is the raster."""
    return Window(0, 0, dataset.width, dataset.height)


def chunks(dataset: DatasetReader, band: int, window: Window, max_cells: int) -> list[Window]:
    """Parts of a window, row by row, each of at most `max_cells` cells.

    They follow the blocks in which the file stores the band. Bands of whole rows for striped
    files, squares for tiled ones: no block is decoded more often than needed.
    """
    block_height, block_width = dataset.block_shapes[band - 1]
    width = min(max_cells, block_width * max(1, _CHUNK_WIDTH // block_width))
    height = max(1, max_cells // width)
    height -= height % block_height if height > block_height else 0
    return [
        Window(column, row, column_end - column, row_end - row)
        for row, row_end in _steps(window.row_off, window.height, height)
        for column, column_end in _steps(window.col_off, window.width, width)
    ]


def _steps(start: int, length: int, step: int) -> list[tuple[int, int]]:
    """[start, start + length) cut at the multiples of `step`."""
    end = start + length
    cuts = [start, *range(start - start % step + step, end, step), end]
    return list(itertools.pairwise(cuts))
