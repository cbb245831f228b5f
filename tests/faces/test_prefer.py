"""The Prefer header: every spelling, and how it chooses the mode."""

import subprocess
import sys

import pytest

from weaver_like.domain.errors import InvalidInput
from weaver_like.faces.ogcapi.prefer import Mode, Preferences, choose_mode, parse_prefer


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, Preferences()),
        ("", Preferences(given=True)),
        ("respond-async", Preferences(True, given=True)),
        ("Respond-Async", Preferences(True, given=True)),
        ("  respond-async  ", Preferences(True, given=True)),
        ("wait=5", Preferences(wait_s=5, given=True)),
        ("wait = 5", Preferences(wait_s=5, given=True)),
        ('wait="5"', Preferences(wait_s=5, given=True)),
        ("respond-async, wait=5", Preferences(True, 5, given=True)),
        ("respond-async,wait=5,return=minimal", Preferences(True, 5, "minimal", given=True)),
        ("return=representation", Preferences(return_="representation", given=True)),
        ("handling=strict", Preferences(strict=True, given=True)),
        ("handling=lenient", Preferences(given=True)),
        ("respond-async; x=1; y", Preferences(True, given=True)),
        ('respond-async; x="a,b", wait=3', Preferences(True, 3, given=True)),
        ("wait=3, wait=7", Preferences(wait_s=3, given=True)),
        ("wait=0", Preferences(wait_s=0, given=True)),
    ],
)
def test_what_is_known_is_read(text: str | None, wanted: Preferences) -> None:
    """RFC 7240 section 2"""
    assert parse_prefer(text) == wanted


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("wait=", "wait"),
        ("wait", "wait"),
        ("wait=-1", "wait"),
        ("wait=1.5", "wait"),
        ("wait=1e3", "wait"),
        ("wait=99999999999999", "wait"),
        ("wait=٣", "wait"),
        ("return=maximal", "return"),
        ("return", "return"),
        ("handling=soft", "handling"),
        ("depth-noroot", "depth-noroot"),
    ],
)
def test_what_is_not_known_is_told(text: str, unknown: str) -> None:
    found = parse_prefer(text)
    assert unknown in found.unknown
    assert (found.wait_s, found.return_, found.strict) == (None, None, False)


@pytest.mark.parametrize(
    "text",
    [
        '"',
        ";",
        ",",
        ",,,",
        "=",
        "=5",
        'a="',
        'wait="5',
        "a b c",
        "\x00",
        "é",
        'a;b;c="',
        "wait=5;;;",
        "\t",
        "respond-async\x0bwait=5",
    ],
)
def test_broken_headers_are_taken_without_an_exception(text: str) -> None:
    assert parse_prefer(text).given


@pytest.mark.parametrize(
    "text",
    [
        "'a' + ';' * 60000 + '\"'",
        "'a;' * 30000 + '\"'",
        "'a=\"' + '\\\\' * 60000",
        "',' * 60000",
        "' ' * 60000 + '\"'",
        "'a=b;' * 20000 + 'c d'",
        "'a' * 60000 + '\"'",
        "'a;\"' + '\"\"' * 30000 + 'x'",
    ],
)
def test_a_long_header_takes_no_long_time(text: str) -> None:
    """A regular expression that goes back and forth would stop the whole server for one header."""
    subprocess.run(
        [sys.executable, "-c", f"from weaver_like.faces.ogcapi.prefer import parse_prefer; parse_prefer({text})"],
        timeout=5,
        check=True,
    )


@pytest.mark.parametrize(
    ("header", "sync", "asynchronous", "asked", "wanted"),
    [
        (None, True, True, None, Mode(20)),
        (None, True, True, "async", Mode(0)),
        (None, True, True, "sync", Mode(20)),
        ("return=minimal", True, True, "async", Mode(20, ("return=minimal",))),
        ("respond-async", True, True, None, Mode(0, ("respond-async",))),
        ("respond-async", True, False, None, Mode(20)),
        ("respond-async", False, True, None, Mode(0, ("respond-async",))),
        (None, False, True, None, Mode(0)),
        ("wait=5", True, True, None, Mode(5, ("wait=5",))),
        ("wait=50", True, True, None, Mode(20)),
        ("wait=0", True, True, None, Mode(0, ("wait=0",))),
        ("respond-async, wait=5", True, True, None, Mode(5, ("respond-async", "wait=5"))),
        ("wait=5", True, False, None, Mode(20, ("wait=5",))),
        ("unknown", True, True, None, Mode(20)),
    ],
)
def test_the_mode(header: str | None, sync: bool, asynchronous: bool, asked: str | None, wanted: Mode) -> None:
    """/req/core/process-execute-default-execution-mode, -auto-execution-mode"""
    assert choose_mode(parse_prefer(header), sync, asynchronous, 20, asked) == wanted


@pytest.mark.parametrize(
    ("header", "sync", "asynchronous"),
    [
        ("handling=strict, unknown", True, True),
        ("handling=strict, wait=x", True, True),
        ("handling=strict, wait=21", True, True),
        ("handling=strict, return=all", True, True),
        ("handling=strict, respond-async", True, False),
        ("handling=strict, wait=5", False, True),
    ],
)
def test_strict_handling_refuses_what_cannot_be_honoured(header: str, sync: bool, asynchronous: bool) -> None:
    """RFC 7240 section 4.4"""
    with pytest.raises(InvalidInput):
        choose_mode(parse_prefer(header), sync, asynchronous, 20)
