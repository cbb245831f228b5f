"""Header fields: ASCII and one line, whatever a name holds, and the name can be read back."""

from email.message import Message
from urllib.parse import unquote

import pytest

from weaver_like.domain.headers import disposition
from weaver_like.domain.links import Link

NAMES = [
    "out.tif",
    "結果",
    "größe.csv",
    'a"b',
    "a\\b",
    "100%.txt",
    "a\r\nX-Evil: 1",
    "\x00",
    "a;b, c='d'",
    "\ud800",
    "a b",
]


def saved_as(value: str) -> str | None:
    """The file name that a client understands, by another implementation of RFC 2231."""
    message = Message()
    message["Content-Disposition"] = value
    return message.get_filename()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["inline", "attachment"])
def test_a_file_name_can_be_read_back_and_adds_no_header(kind: str, name: str) -> None:
    """RFC 6266; a lone surrogate has no UTF-8 and becomes a question mark"""
    value = disposition(kind, name)
    assert value.isascii()
    assert value.isprintable()
    assert value.startswith(f'{kind}; filename="')
    assert saved_as(value.partition("; filename=")[0] + "; " + value.rpartition("; ")[2]) == name.replace("\ud800", "?")


@pytest.mark.parametrize("name", NAMES)
def test_a_link_says_its_title_in_ascii(name: str) -> None:
    """RFC 8288 section 3.4.1: `title*` where `title` cannot hold it"""
    value = Link("https://here/a", "item", 'text/plain; a="b"', name).header()
    assert value.isascii()
    assert value.isprintable()
    assert value.startswith('<https://here/a>; rel="item"; type="text/plain; a=\\"b\\""; title')
    title = value.partition("; title")[2]
    if title.startswith("*=UTF-8''"):
        assert unquote(title.removeprefix("*=UTF-8''")) == name.replace("\ud800", "?")
    else:
        assert title[2:-1].replace("\\\\", "\\").replace('\\"', '"') == name


@pytest.mark.parametrize(
    ("href", "sent"),
    [
        ("https://here/a?b=c&d=%C3%A4#e", "https://here/a?b=c&d=%C3%A4#e"),
        ("https://here/結果", "https://here/%E7%B5%90%E6%9E%9C"),
        ("https://here/a b<c>\r\n", "https://here/a%20b%3Cc%3E%0D%0A"),
    ],
)
def test_a_link_leads_to_a_uri(href: str, sent: str) -> None:
    assert Link(href, "item").header() == f'<{sent}>; rel="item"'
