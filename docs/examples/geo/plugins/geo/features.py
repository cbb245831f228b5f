"""Reading features: GeoJSON, and zipped Shapefiles."""

import datetime
import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import shapefile
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from weaver_like.authoring import InputError

GEOJSON = "application/geo+json"
ZIP = "application/zip"
CRS84 = CRS.from_user_input("OGC:CRS84")
#: Limit of what a zipped Shapefile may unpack to, in bytes; it is held in memory.
MAX_UNPACKED_BYTES = 512 * 2**20
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
#: Other texts could make PROJ read files.
_CRS_NAME = re.compile(
    r"(urn:ogc:def:crs:|urn:x-ogc:def:crs:|https?://www\.opengis\.net/def/crs/|EPSG:|OGC:)[\w.:/-]+", re.IGNORECASE
)
#: Edges are cut into at least so many pieces per extent of the geometry before they are transformed; a straight edge
#: in one CRS is a curve in the other.
_PIECES = 500


@dataclass(frozen=True, slots=True)
class Collection:
    """Features (GeoJSON objects, in order, at least one) and the CRS of their coordinates, x or longitude first."""

    features: list[dict]
    crs: CRS


def read_features(path: Path) -> Collection:
    """Features of a GeoJSON file or a zipped Shapefile; the content decides which. Raises: InputError."""
    with path.open("rb") as file:
        start = file.read(4)
    return _read_shapefile(path) if start.startswith(b"PK") else read_geojson(path)


def read_geojson(path: Path) -> Collection:
    """Features of a FeatureCollection, a Feature or a geometry.

    The CRS is CRS84 (RFC 7946), unless the document has the `crs` member of the older GeoJSON format (2008).
    Raises: InputError, if it is something else or has no feature.
    """
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"The features are neither GeoJSON nor a zip archive: {error}") from error
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        features = document.get("features")
    elif kind == "Feature":
        features = [document]
    elif kind in _GEOMETRIES:
        features = [{"type": "Feature", "properties": {}, "geometry": document}]
    else:
        raise InputError(
            f"The document has the type {kind!r}; a GeoJSON FeatureCollection, Feature or geometry is needed."
        )
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise InputError("The member 'features' of the FeatureCollection must be a list of features.")
    if not features:
        raise InputError("The FeatureCollection has no features.")
    return Collection(features, _crs_member(document.get("crs")))


def _crs_member(member: object) -> CRS:
    if member is None:
        return CRS84
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or not _CRS_NAME.fullmatch(name):
        raise InputError("The 'crs' member of the GeoJSON must be a named CRS such as 'urn:ogc:def:crs:EPSG::32613'.")
    try:
        return CRS.from_user_input(name)
    except CRSError as error:
        raise InputError(f"The CRS '{name}' of the GeoJSON is not known.") from error


def _read_shapefile(path: Path) -> Collection:
    try:
        parts = _unpack(path)
        if ".prj" not in parts:
            raise InputError("The zipped Shapefile has no .prj file, so its coordinate reference system is not known.")
        wkt = parts[".prj"].decode("utf-8", "replace").strip()
        encoding = parts.get(".cpg", b"utf-8").decode("ascii", "replace").strip() or "utf-8"
        files = {suffix[1:]: io.BytesIO(parts[suffix]) for suffix in (".shp", ".shx", ".dbf") if suffix in parts}
        with shapefile.Reader(**files, encoding=encoding, encodingErrors="replace") as reader:
            features = (
                [_feature(entry) for entry in reader.iterShapeRecords()]
                if ".dbf" in parts
                else [{"type": "Feature", "properties": {}, "geometry": _geometry(one)} for one in reader.iterShapes()]
            )
    # pyshp meets damaged files with errors of many kinds.
    except (
        shapefile.ShapefileException,
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        RuntimeError,
        LookupError,
        OSError,
        TypeError,
        ArithmeticError,
    ) as error:
        raise InputError(f"The zipped Shapefile cannot be read: {error}") from error
    if not features:
        raise InputError("The Shapefile has no features.")
    try:
        return Collection(features, CRS.from_wkt(wkt))
    except CRSError as error:
        raise InputError("The .prj file of the Shapefile holds no known coordinate reference system.") from error


def _unpack(path: Path) -> dict[str, bytes]:
    """Suffix -> content of the one Shapefile in an archive.

    Raises: InputError, if it is not exactly one, or too large.
    """
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if "__MACOSX" not in member.filename]
        names = [PurePosixPath(member.filename) for member in members]
        shapes = [name for name in names if name.suffix.lower() == ".shp"]
        if len(shapes) != 1:
            raise InputError(f"The zip archive has {len(shapes)} .shp files; exactly one is needed.")
        wanted = {
            name.suffix.lower(): member
            for name, member in zip(names, members, strict=True)
            if name.with_suffix("") == shapes[0].with_suffix("")
        }
        size_bytes = sum(member.file_size for member in wanted.values())
        if size_bytes > MAX_UNPACKED_BYTES:
            raise InputError(f"The Shapefile unpacks to {size_bytes} bytes; at most {MAX_UNPACKED_BYTES} are allowed.")
        return {suffix: archive.read(member) for suffix, member in wanted.items()}


def _feature(entry: shapefile.ShapeRecord) -> dict:
    properties = {
        name: value.isoformat() if isinstance(value, datetime.date) else value
        for name, value in entry.record.as_dict().items()
    }
    return {"type": "Feature", "properties": properties, "geometry": _geometry(entry.shape)}


def _geometry(one: shapefile.Shape) -> dict | None:
    return None if one.shapeType == shapefile.NULL or not one.points else one.__geo_interface__


def geometry_of(feature: dict, number: int) -> BaseGeometry | None:
    """The valid, two-dimensional geometry of a feature; None, if it is null or empty.

    An invalid one (self-crossing, repeated rings) is repaired.  number: place in the collection, from 0, for messages.
    Raises: InputError, if it is no GeoJSON geometry.
    """
    member = feature.get("geometry")
    if member is None:
        return None
    if not isinstance(member, dict) or member.get("type") not in _GEOMETRIES:
        raise InputError(f"Feature {number} has no GeoJSON geometry.")
    try:
        geometry = shapely.force_2d(shape(member))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, ShapelyError) as error:
        raise InputError(f"Feature {number} has a {member['type']} that is not well formed: {error}") from error
    if geometry.is_empty:
        return None
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InputError(f"Feature {number} has coordinates that are not finite numbers.")
    return geometry if geometry.is_valid else shapely.make_valid(geometry, method="structure")


def make_transformer(source: CRS, target: CRS) -> Transformer | None:
    """None, if the coordinates stay as they are. Raises: InputError, if there is no way between the two."""
    if source.equals(target, ignore_axis_order=True):
        return None
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except CRSError as error:
        raise InputError(f"There is no transformation from '{source.name}' to '{target.name}'.") from error


def transform(geometry: BaseGeometry, transformer: Transformer | None, number: int) -> BaseGeometry:
    """The geometry in the target CRS, its edges followed. Raises: InputError, if a part of it cannot be transformed."""
    if transformer is None or geometry.is_empty:
        return geometry
    left, bottom, right, top = geometry.bounds
    step = max(right - left, top - bottom) / _PIECES
    finer = shapely.segmentize(geometry, step) if step > 0 else geometry
    moved = shapely.transform(finer, lambda points: np.column_stack(transformer.transform(points[:, 0], points[:, 1])))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise InputError(f"Feature {number} reaches beyond the area of '{transformer.target_crs.name}'.")
    return moved if moved.is_valid else shapely.make_valid(moved, method="structure")
