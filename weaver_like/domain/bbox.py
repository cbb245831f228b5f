"""Bounding boxes."""

import sys
from collections.abc import Iterator, Mapping

from weaver_like.domain.crs import CRS84
from weaver_like.domain.errors import Fault


def bbox_faults(value: object, pointer: str) -> Iterator[Fault]:
    """Yield the faults of a bounding box in JSON: `{"bbox": [4 or 6 numbers], "crs": URI}`.

    The order of minimum and maximum is not checked: a box may cross the antimeridian.
    Source: OGC 18-062r2, bbox.yaml.
    """
    if not isinstance(value, Mapping) or "bbox" not in value:
        yield Fault(pointer, 'expected an object {"bbox": [...], "crs": ...}')
        return
    numbers = value["bbox"]
    if not isinstance(numbers, list) or not all(_is_number(number) for number in numbers):
        yield Fault(f"{pointer}/bbox", "expected a list of numbers")
    elif len(numbers) not in (4, 6):
        yield Fault(f"{pointer}/bbox", f"expected 4 or 6 numbers, got {len(numbers)}")
    crs = value.get("crs", CRS84)
    if not isinstance(crs, str) or ":" not in crs:
        yield Fault(f"{pointer}/crs", "expected a URI")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
