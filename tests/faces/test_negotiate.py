"""The form of an answer, by `f` and the header Accept."""

import pytest
from pyramid.request import Request

from weaver_like.domain.errors import NotAcceptable
from weaver_like.domain.formats import HTML, JSON, TEXT
from weaver_like.faces.ogcapi.documents.urls import OPENAPI
from weaver_like.faces.ogcapi.negotiate import PROBLEM, choose, prefers_html, prefers_json, problem_type

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def asking(accept: str | None) -> Request:
    headers = {} if accept is None else {"Accept": accept}
    return Request.blank("/", headers=headers)


@pytest.mark.parametrize(
    ("accept", "f", "form"),
    [
        (None, None, JSON),
        ("", None, JSON),
        ("*/*", None, JSON),
        ("application/*", None, JSON),
        (JSON, None, JSON),
        ("Application/JSON", None, JSON),
        (HTML, None, HTML),
        (BROWSER, None, HTML),
        ("text/html;q=0.5, application/json", None, JSON),
        ("application/json;q=0.5, text/html", None, HTML),
        ("text/html, application/json", None, JSON),
        ("application/json;q=0, */*", None, HTML),
        ("image/png", "json", JSON),
        (JSON, "html", HTML),
        ("application/json; charset=utf-8", None, JSON),
        ("application/json;charset=ISO-8859-1", None, JSON),
        ('application/json; profile="https://x.example/y, z"', None, JSON),
        ("text/html; charset=UTF-8", None, HTML),
        ("text/html;level=1;q=0.5, text/html, application/json;q=0.9", None, HTML),
        ("application/json; charset=utf-8; q=0.2, text/html; q=0.3", None, HTML),
        ("application/json;odata=verbose;q=0, application/json", None, JSON),
        ("*/*;version=1", None, JSON),
        ("not a header", None, JSON),
    ],
)
def test_f_goes_before_accept_and_json_before_html(accept: str | None, f: str | None, form: str) -> None:
    """RFC 9110 section 12.5.1"""
    assert choose(asking(accept), (JSON, HTML), f) == form


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/xml",
        "text/plain",
        "application/json;q=0, text/html;q=0",
        "application/json; charset=utf-8; q=0",
        "text/html; charset=iso-8859-1",
    ],
)
def test_what_is_not_offered_is_refused_with_what_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=r"one of application/json, text/html, got"):
        choose(asking(accept), (JSON, HTML))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, OPENAPI),
        ("application/vnd.oai.openapi+json", OPENAPI),
        ("application/vnd.oai.openapi+json;version=3.0", OPENAPI),
        ("application/vnd.oai.openapi+json;version=3.1", OPENAPI),
        (JSON, JSON),
        (BROWSER, HTML),
    ],
)
def test_the_version_of_openapi_is_not_compared(accept: str | None, form: str) -> None:
    assert choose(asking(accept), (OPENAPI, JSON, HTML)) == form


@pytest.mark.parametrize(
    ("accept", "json_first"),
    [
        (None, False),
        ("*/*", False),
        ("application/*", False),
        (JSON, True),
        ("application/json, */*;q=0.1", True),
        ("application/json, text/plain", False),
        ("application/json;q=0.5, text/plain;q=0.4", True),
        ("application/json;q=0.5, */*", False),
        (TEXT, False),
        ("application/json; charset=utf-8, text/plain;q=0.5", True),
        ("application/json;q=0.5, text/plain; charset=utf-8", False),
    ],
)
def test_json_must_be_named_and_liked_better(accept: str | None, json_first: bool) -> None:
    """Row 5 of docs/conformance.rst: clients that take anything get results as they are."""
    assert prefers_json(asking(accept), "text/plain;charset=utf-8") is json_first


@pytest.mark.parametrize(
    ("accept", "f", "html"),
    [
        (None, None, False),
        ("*/*", None, False),
        ("text/*", None, False),
        (HTML, None, True),
        (BROWSER, None, True),
        ("text/html;q=0.1, application/json", None, False),
        ("text/html;q=0", None, False),
        (BROWSER, "json", False),
        (None, "html", True),
    ],
)
def test_html_must_be_named(accept: str | None, f: str | None, html: bool) -> None:
    assert prefers_html(asking(accept), f) is html


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, PROBLEM),
        ("*/*", PROBLEM),
        (PROBLEM, PROBLEM),
        ("image/png", PROBLEM),
        (JSON, JSON),
        ("application/json; q=0.5, */*", JSON),
        ("application/json, application/problem+json", PROBLEM),
        ("application/json;q=0", PROBLEM),
        (BROWSER, HTML),
        ("text/html;q=0.5, application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("text/html; charset=utf-8", HTML),
    ],
)
def test_an_error_has_the_form_that_its_client_asks_for_by_name(accept: str | None, media_type: str) -> None:
    """RFC 9457; the official suite wants application/json where it accepts that."""
    assert problem_type(asking(accept)) == media_type
