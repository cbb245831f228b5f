"""Secrets that must not be readable once a text was masked."""

import json
import shlex
import time
from urllib.parse import quote

import pytest

from weaver_like.domain.masks import Secrets, mask


@pytest.mark.parametrize(
    "text",
    [
        "http://user:sekret@example.org/",
        "https://sekret@example.org/",
        "HTTP://user:sekret@example.org/",
        "s3://key:sekret@bucket/x",
        "x http://u:sekret@a/ y",
        "http://u:se:sekret@a/",
        "http://u:p@sekret@a/",
        "http://:sekret@a/",
        "http://u:sekret%40@a/",
        "amqp://u:sekret@a//",
        "('http://u:sekret@a/',)",
        "http://a/?token=sekret",
        "http://a/?x=1&access_token=sekret&y=2",
        "http://a/?TOKEN=sekret",
        "http://a/?password=sekret",
        "http://a/?api_key=sekret",
        "http://a/?api-key=sekret",
        "http://a/?apikey=sekret",
        "http://a/?X-Amz-Signature=sekret",
        "http://a/?X-Amz-Credential=sekret",
        "http://a/?X-Amz-Security-Token=sekret",
        "http://a/?signature=sekret",
        "http://a/?sig=sekret",
        "http://a/?secret=sekret",
        "http://a/?client_secret=sekret",
        "http://a/#access_token=sekret",
        "password=sekret",
        "password: sekret",
        "Authorization: Bearer sekret",
        "Authorization: Basic sekret",
        "authorization=sekret",
        '{"password": "sekret"}',
        "{'token': 'sekret'}",
        '{"Authorization": "Bearer sekret"}',
        "token = 'sekret'",
        "http://u:" + "sekret" * 100 + "@a/",
        ("http://u:" + "sekret" * 100 + "@a/")[:200],
    ],
)
def test_secrets_are_replaced(text: str) -> None:
    assert "sekret" not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "http://example.org/a?b=c",
        "http://example.org:8080/a@b",
        "a@example.org",
        "mailto:a@example.org",
        "x://y",
        "token ring",
        "5 tokens were read",
        "passwords are long",
        "the secret of success",
        "progress: 5 %",
        "a=b",
        "12:30:00",
        "user@host:path",
        "http://[::1]:80/",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_the_host_stays_readable() -> None:
    assert "example.org:8080/a" in mask("http://user:sekret@example.org:8080/a")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 5000 + "://",
        "://" + "a-" * 5000,
        "password" * 1000 + "=" + "x" * 1000,
        "=" * 10000,
        "token" + " " * 10000,
        "http://" * 1500,
        "authorization: " * 700,
        "http://" + "a:" * 5000,
    ],
)
def test_long_lines_take_no_long_time(text: str) -> None:
    """A line of a job's log has up to 10000 characters, and jobs write many."""
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 0.5


AWKWARD = """it's "hunter2" & m\u00f6re"""
KEY = "-----BEGIN KEY-----\nhunter2hunter2\n}\n"


@pytest.mark.parametrize(
    ("value", "text", "masked"),
    [
        ("hunter2", "login hunter2, hunter2", "login ***, ***"),
        (AWKWARD, AWKWARD, "***"),
        (AWKWARD, shlex.join(["login", AWKWARD]), "login '***'"),
        (AWKWARD, json.dumps({"p": AWKWARD}), '{"p": "***"}'),
        (AWKWARD, json.dumps({"p": AWKWARD}, ensure_ascii=False), '{"p": "***"}'),
        (AWKWARD, f"ValueError({AWKWARD!r})", "ValueError('***')"),
        (AWKWARD, f"http://a/?p={quote(AWKWARD, safe='')}", "http://a/?p=***"),
        (KEY, "the line hunter2hunter2 of }", "the line *** of }"),
        (["one-secret", {"b": "two-secret"}], "one-secret two-secret", "*** ***"),
        (4711, "pin 4711", "pin ***"),
        ("hunter2\n", "hunter2", "***"),
        ({"class": "File", "basename": "x.txt", "contents": "hunter2"}, "File x.txt hunter2", "File x.txt ***"),
        ("", "nothing", "nothing"),
        (None, "None null", "None null"),
        (True, "True true", "True true"),
    ],
    ids=[
        *("plain", "as it is", "shell", "JSON", "JSON, UTF-8", "Python", "URL", "line of a key", "inside", "number"),
        *("end of line", "file", "empty", "null", "boolean"),
    ],
)
def test_values_of_secret_inputs_are_replaced_however_they_are_written(value: object, text: str, masked: str) -> None:
    assert Secrets([value]).mask(text) == masked


def test_the_longer_one_of_two_secrets_is_replaced_as_a_whole() -> None:
    secrets = Secrets(["key"])
    secrets.add("key of the house")
    assert secrets.mask("the key of the house, the key") == "the ***, the ***"
