"""Requirements class "ogc-process-description" of both editions."""

from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator
from webtest import TestApp

from tests.support.answers import DESCRIPTION_PROFILE, EDITIONS, Schema, header_links, hrefs_of, links_of

GEO = "/processes/geo-echo/execution"


@pytest.fixture
def descriptions(app: TestApp) -> list[dict]:
    return [app.get(f"/processes/{process['id']}").json for process in app.get("/processes").json["processes"]]


def described(descriptions: list[dict], side: str) -> Iterator[tuple[str, dict]]:
    """Every input or output of every process."""
    for process in descriptions:
        for name, entry in process[side].items():
            yield f"{process['id']}.{name}", entry


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_description_is_process_yaml(descriptions: list[dict], schema: Schema, edition: str) -> None:
    """/req/ogc-process-description/json-encoding"""
    for process in descriptions:
        schema(f"{edition}/process").validate(process)


def test_a_description_links_to_its_profile(app: TestApp, descriptions: list[dict]) -> None:
    """2.0 /req/ogc-process-description/json-encoding B, /rec/core/header-profile-link"""
    for process in descriptions:
        assert hrefs_of(process, "profile") == [DESCRIPTION_PROFILE]
        assert header_links(app.get(f"/processes/{process['id']}"))["profile"] == [DESCRIPTION_PROFILE]


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_inputs_and_outputs_are_listed_under_their_ids(
    app: TestApp, descriptions: list[dict], schema: Schema, side: str
) -> None:
    """/req/ogc-process-description/inputs-def, /req/ogc-process-description/outputs-def"""
    for edition in EDITIONS:
        for _, entry in described(descriptions, side):
            schema(f"{edition}/{side[:-1]}Description").validate(entry)
    echo = next(process for process in descriptions if process["id"] == "echo")
    assert set(echo[side]) == {"message", "number", "flag", "list", "choice", "bbox", "image", "pause"}
    assert next(iter(echo["inputs"])) == "message"


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_every_input_and_output_has_a_schema(descriptions: list[dict], schema: Schema, side: str) -> None:
    """/req/ogc-process-description/input-def, /req/ogc-process-description/output-def"""
    for name, entry in described(descriptions, side):
        assert entry["schema"], name
        schema("part1-1.0/schema").validate(entry["schema"])
        Draft202012Validator.check_schema(entry["schema"])


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_several_types_are_a_one_of_of_schemas(descriptions: list[dict], schema: Schema, side: str) -> None:
    """/req/ogc-process-description/input-mixed-type, -output-mixed-type; 2.0
    input-multiple-types, output-multiple-types"""
    geo = next(process for process in descriptions if process["id"] == "geo-echo")
    forms = geo[side]["document"]["schema"]["oneOf"]
    assert [form["contentMediaType"] for form in forms] == ["text/plain", "text/xml", "application/json"]
    for form in forms:
        schema("part1-1.0/schema").validate(form)


def test_the_first_type_of_an_input_is_its_default(app: TestApp) -> None:
    """/req/ogc-process-description/input-mixed-type C: the first sub-schema is the default format"""
    answer = app.post_json(GEO, {"inputs": {"document": "no media type said"}, "outputs": {"document": {}}}, status=200)
    assert answer.content_type == "text/plain"
    assert answer.text == "no media type said"


def test_the_schema_of_an_input_checks_its_values(app: TestApp) -> None:
    """/req/ogc-process-description/input-def C"""
    level = app.get("/processes/geo-echo").json["inputs"]["level"]["schema"]
    for value, status in ((0, 200), (10, 200), (11, 400), (-1, 400), ("5", 400)):
        assert Draft202012Validator(level).is_valid(value) == (status == 200)
        app.post_json(GEO, {"inputs": {"level": value}}, status=status)


def test_the_schema_is_that_of_a_single_value(app: TestApp) -> None:
    """2.0 /req/ogc-process-description/input-def B: cardinality stands beside the schema, not in it"""
    words = app.get("/processes/geo-echo").json["inputs"]["words"]
    assert (words["schema"]["type"], words["minOccurs"], words["maxOccurs"]) == ("string", 0, "unbounded")


def test_how_values_can_be_passed_is_told_and_true(descriptions: list[dict]) -> None:
    """2.0 /req/ogc-process-description/value-passing: the default is both
    ways, which all inputs of these processes take"""
    for name, entry in described(descriptions, "inputs"):
        assert entry.get("valuePassing", ["byValue", "byReference"]) == ["byValue", "byReference"], name


def test_no_data_access_is_promised_without_collections(descriptions: list[dict]) -> None:
    """2.0 /req/ogc-process-description/data-access-apis, -data-classes,
    -execution-unit-requirements: lists, where there are any"""
    for name, entry in [*described(descriptions, "inputs"), *described(descriptions, "outputs")]:
        assert isinstance(entry.get("dataAccessAPIs", []), list), name
        assert isinstance(entry.get("dataClasses", []), list), name
        assert isinstance(entry.get("executionUnitRequirements", {}), dict), name


def test_a_description_links_to_itself_and_its_page(app: TestApp, descriptions: list[dict]) -> None:
    """2.0 /req/ogc-process-description/links, /rec/ogc-process-description/process-links"""
    for process in descriptions:
        (here,) = hrefs_of(process, "self")
        assert app.get(here).json == process
        assert [link["type"] for link in links_of(process, "alternate")] == ["text/html"]
        assert app.get(hrefs_of(process, "alternate")[0]).content_type == "text/html"
        assert hrefs_of(process, "service") == ["http://localhost/"]


def test_every_summary_links_to_the_description(app: TestApp) -> None:
    """2.0 /req/core/process-summary-links"""
    for process in app.get("/processes").json["processes"]:
        (here,) = hrefs_of(process, "self")
        assert here == f"http://localhost/processes/{process['id']}"
        assert app.get(here).json["id"] == process["id"]
        for link in links_of(process, "alternate"):
            assert app.get(link["href"]).content_type == link["type"]
        assert links_of(process, "alternate")


def test_a_binary_value_is_described_as_encoded_text(app: TestApp) -> None:
    """/req/ogc-process-description/input-def; binaryInputValue.yaml"""
    image = app.get("/processes/echo").json["inputs"]["image"]["schema"]
    assert (image["type"], image["contentEncoding"], image["contentMediaType"]) == (
        "string",
        "binary",
        "image/tiff; application=geotiff",
    )
