"""How the driver of the CWL suite judges outputs."""

import pytest

from tests.conformance.cwl.compare import Mismatch, compare

FILE = {
    "class": "File",
    "location": "work/a.txt",
    "basename": "a.txt",
    "size": 3,
    "checksum": "sha1$1",
    "contents": "abc",
}
FOLDER = {
    "class": "Directory",
    "location": "d",
    "basename": "d",
    "listing": [FILE, FILE | {"location": "d/b", "basename": "b"}],
}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("Any", {"x": 1}),
        ("Any", None),
        (None, None),
        ({"x": None}, {}),
        ({}, {"x": None}),
        (1, 1.0),
        ([1, "a"], [1, "a"]),
        ({"x": {"y": [True]}}, {"x": {"y": [True]}}),
        ({"class": "File", "location": "a.txt", "size": 3}, FILE),
        ({"class": "File", "path": "work/a.txt", "contents": "abc"}, FILE),
        ({"class": "File", "location": "Any", "checksum": "sha1$1"}, FILE),
        ({"class": "File", "location": "a%20b"}, FILE | {"location": "x/a b"}),
        (
            {
                "class": "File",
                "basename": "a.txt",
                "secondaryFiles": [{"class": "File", "location": "b"}, {"class": "File", "location": "c"}],
            },
            FILE | {"secondaryFiles": [{"class": "File", "location": "c"}, {"class": "File", "location": "b"}]},
        ),
        (
            {
                "class": "Directory",
                "listing": [{"class": "File", "location": "b"}, {"class": "File", "location": "a.txt"}],
            },
            FOLDER,
        ),
        ({"class": "Directory", "location": "d/"}, FOLDER),
    ],
)
def test_these_are_the_same(expected: object, actual: object) -> None:
    compare(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "where"),
    [
        (None, 1, "outputs"),
        (1, None, "outputs"),
        (1, True, "outputs"),
        (1, "1", "outputs"),
        ({"x": 1}, [1], "outputs"),
        ({"x": 1}, {"x": 1, "y": 2}, "outputs.y"),
        ({"x": "Any", "y": 1}, {"x": 1}, "outputs.y"),
        ({"x": []}, {"x": {}}, "outputs.x"),
        ([1], [1, 2], "outputs"),
        ([1, 2], [2, 1], r"outputs\[0\]"),
        ({"class": "File"}, None, "outputs"),
        ({"class": "File"}, {"class": "Directory"}, "class"),
        ({"class": "File", "location": "b.txt"}, FILE, "location"),
        ({"class": "File", "location": ".txt"}, FILE, "location"),
        ({"class": "File", "size": 4}, FILE, "size"),
        ({"class": "File", "checksum": "sha1$2"}, FILE, "checksum"),
        ({"class": "File", "contents": "abd"}, FILE, "contents"),
        ({"class": "File", "format": "f"}, FILE, "format"),
        ({"class": "File", "secondaryFiles": [{"class": "File", "location": "b"}]}, FILE, "secondaryFiles"),
        ({"class": "Directory", "listing": [{"class": "File", "location": "b"}]}, FOLDER, "listing"),
        ({"class": "Directory", "listing": [{"class": "File", "location": "b"}] * 2}, FOLDER, r"listing\[1\]"),
    ],
)
def test_these_are_not(expected: object, actual: object, where: str) -> None:
    with pytest.raises(Mismatch, match=where):
        compare(expected, actual)
