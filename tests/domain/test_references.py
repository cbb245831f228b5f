"""References to own files inside values: kept pseudo-relative, and nothing else is ever taken for one."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaver_like.domain.references import make_results_relative, make_value_absolute
from weaver_like.domain.results import Result

OWN = (
    "/data/outputs",
    "file:///data/outputs",
    "s3://bucket/results",
    "https://files.example.org/r",
    "https://example.org/ogc/outputs",
)
NOW = "https://now.example.org/outputs"
FILE = "/5f1c/out/a.tif"
FOREIGN = [
    "https://example.org/ogc/outputs-old" + FILE,
    "https://example.org/ogc/outputs",
    "https://example.org/ogc/outputs/",
    "https://example.org/ogc/outputs/5f1c",
    "https://example.org/ogc/outputs/5f1c/../../jobs",
    "https://example.org/ogc/outputs/%2e%2e/out/a.tif",
    "https://example.org/outputs" + FILE,
    "http://example.org/ogc/outputs" + FILE,
    "https://example.org.evil.org/ogc/outputs" + FILE,
    "/data/outputs-old" + FILE,
    "/data/outputs/../etc/passwd",
    "s3://bucket/results2" + FILE,
    "s3://bucket/5f1c/out/a.tif",
    FILE,
    "/outputs" + FILE,
    "." + FILE,
    "",
    "/",
    "//",
    "https://files.example.org/r//out/a.tif",
    "https://example.org/ogc/outputs/a/b/c/d",
    "https://example.org/?u=https://example.org/ogc/outputs" + FILE,
]


def stored(value: object, *uri_outputs: str) -> Result:
    [result] = make_results_relative([Result("out", value)], OWN, uri_outputs)
    return result


@pytest.mark.parametrize("location", OWN)
def test_a_reference_into_the_own_area_moves_with_it(location: str) -> None:
    """/rec: results stay valid when files.outputs_dir, files.outputs_url or server.url change"""
    result = stored({"href": location + FILE, "type": "image/tiff"})
    assert result.value == {"href": FILE, "type": "image/tiff"}
    assert make_value_absolute(result, NOW) == {"href": NOW + FILE, "type": "image/tiff"}


@pytest.mark.parametrize(("name", "quoted"), [("a b.tif", "a%20b.tif"), ("é?#%.tif", "%C3%A9%3F%23%25.tif")])
def test_paths_become_urls_and_urls_stay_as_they_were_written(name: str, quoted: str) -> None:
    assert stored({"href": f"/data/outputs/5f1c/out/{name}"}).value == {"href": f"/5f1c/out/{quoted}"}
    assert stored({"href": f"s3://bucket/results/5f1c/out/{name}"}).value == {"href": f"/5f1c/out/{quoted}"}
    url = f"https://example.org/ogc/outputs/5f1c/out/{quoted}?x=1#part"
    assert make_value_absolute(stored({"href": url}), "https://example.org/ogc/outputs") == {"href": url}


def test_every_depth_is_looked_at_and_nothing_is_changed_in_place() -> None:
    own = OWN[-1] + FILE
    value = {
        "a": [[{"href": own}, {"href": FOREIGN[0]}], [[[{"b": {"href": own, "links": [{"href": own}]}}]]]],
        "href": [own, {"href": own}],
    }
    before = copy.deepcopy(value)
    result = stored(value)
    assert value == before
    assert result.value["a"] == [
        [{"href": FILE}, {"href": FOREIGN[0]}],
        [[[{"b": {"href": FILE, "links": [{"href": FILE}]}}]]],
    ]
    assert result.value["href"] == [FILE, {"href": FILE}]
    assert make_value_absolute(result, OWN[-1]) == before


def test_values_nested_deeper_than_calls_can_be() -> None:
    value: object = {"href": OWN[-1] + FILE}
    for _ in range(5000):
        value = [value]
    result = stored(value)
    assert len(result.references[0]) == 5001
    restored = make_value_absolute(result, OWN[-1])
    while isinstance(restored, list):
        [restored] = restored
    assert restored == {"href": OWN[-1] + FILE}


def test_a_text_counts_as_reference_only_where_that_is_described() -> None:
    own = OWN[-1] + FILE
    for value in (own, [own], {"url": own}, {"a": own}, f"see {own}"):
        assert stored(value) == Result("out", value)
    assert stored(own, "out").value == FILE
    assert stored([own, "x", 5], "out").value == [FILE, "x", 5]
    assert stored({"a": own}, "out").value == {"a": own}
    assert stored(own, "other").value == own


@pytest.mark.parametrize("uri", FOREIGN)
@pytest.mark.parametrize(
    "form", [lambda uri: uri, lambda uri: {"href": uri}, lambda uri: [[{"links": [{"href": uri}]}]]]
)
def test_foreign_references_are_untouched(uri: str, form: object) -> None:
    """Path boundary: "/outputs-old" is not "/outputs"; what begins with "/" is not ours because of that."""
    value = form(uri)
    result = stored(value, "out")
    assert result == Result("out", value)
    assert make_value_absolute(result, NOW) == value


def test_a_value_that_looks_like_what_is_stored_stays_beside_one_that_is() -> None:
    result = stored([{"href": FILE}, {"href": OWN[0] + FILE}])
    assert result.value == [{"href": FILE}, {"href": FILE}]
    assert make_value_absolute(result, NOW) == [{"href": FILE}, {"href": NOW + FILE}]


NEAR = st.builds(
    lambda location, tail: location + tail, st.sampled_from(OWN), st.sampled_from(["", "-old/a/b/c", "/", "/a/b"])
)
TEXTS = st.one_of(st.text(), st.sampled_from(FOREIGN), NEAR)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(st.just("href"), st.text()), inner)),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_relative_then_absolute_is_the_identity_for_foreign_values(value: object, described: bool) -> None:
    result = stored(value, *(["out"] if described else []))
    assert result == Result("out", value)
    assert make_value_absolute(result, NOW) == value


OWN_TEXTS = st.one_of(
    TEXTS, st.builds(lambda name: f"https://example.org/ogc/outputs/5f1c/out/{name}", st.text("abc%20.-_é", min_size=1))
)


@given(
    st.recursive(
        OWN_TEXTS,
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(["href", "a", "b"]), inner)),
        max_leaves=30,
    )
)
def test_at_the_same_address_every_value_comes_back_as_it_was(value: object) -> None:
    [result] = make_results_relative([Result("out", value)], ["https://example.org/ogc/outputs"], ["out"])
    assert make_value_absolute(result, "https://example.org/ogc/outputs") == value
