"""Outputs that came against outputs that the suite expects."""

from urllib.parse import unquote, urlsplit


class Mismatch(AssertionError):
    """An output is not what the test expects; the text says where, what came and what is wanted."""


def compare(expected: object, actual: object, where: str = "outputs") -> None:
    """Raise Mismatch unless `actual` is what is expected.

    The text "Any" stands for anything, and a null member may be absent.

    Files and folders in `actual` are as `results.collect` makes them.
    Source: the section on the output of conformance tests in the suite's CONFORMANCE_TESTS.md.
    """
    if expected == "Any":
        return
    if isinstance(expected, dict):
        _check(isinstance(actual, dict), expected, actual, where)
        if expected.get("class") in ("File", "Directory"):
            _compare_path(expected, actual, where)
        else:
            _compare_members(expected, actual, where)
    elif isinstance(expected, list):
        _check(isinstance(actual, list) and len(actual) == len(expected), expected, actual, where)
        for number, (wanted, item) in enumerate(zip(expected, actual, strict=True)):
            compare(wanted, item, f"{where}[{number}]")
    else:
        # True is 1 for Python, and not for JSON.
        _check(expected == actual and isinstance(expected, bool) == isinstance(actual, bool), expected, actual, where)


def _compare_members(expected: dict, actual: dict, where: str) -> None:
    for name in [*expected, *(name for name in actual if name not in expected)]:
        compare(expected.get(name), actual.get(name), f"{where}.{name}")


def _compare_path(expected: dict, actual: dict, where: str) -> None:
    """A file or a folder: what the test says of it; what it does not say may be anything."""
    for name, wanted in expected.items():
        inner = f"{where}.{name}"
        if name in ("location", "path"):
            _compare_location(wanted, actual.get("location"), inner)
        elif name in ("listing", "secondaryFiles"):
            _compare_in_any_order(wanted, actual.get(name), inner)
        else:
            compare(wanted, actual.get(name), inner)


def _compare_location(expected: str, actual: object, where: str) -> None:
    """The end of the location is what counts: outputs may be anywhere."""
    if expected == "Any":
        return
    tail = unquote(urlsplit(expected).path).rstrip("/")
    _check(isinstance(actual, str) and f"/{actual}".endswith(f"/{tail}"), expected, actual, where)


def _compare_in_any_order(expected: list, actual: object, where: str) -> None:
    _check(isinstance(actual, list) and len(actual) == len(expected), expected, actual, where)
    left = list(actual)
    for number, wanted in enumerate(expected):
        found = next((item for item in left if _fits(wanted, item)), None)
        if found is None:
            raise Mismatch(f"{where}[{number}]: {wanted!r} is expected; nothing like it is among {_short(actual)}")
        left.remove(found)


def _fits(expected: object, actual: object) -> bool:
    try:
        compare(expected, actual)
    except Mismatch:
        return False
    return True


def _check(fits: bool, expected: object, actual: object, where: str) -> None:
    if not fits:
        raise Mismatch(f"{where}: {_short(expected)} is expected, {_short(actual)} came")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
