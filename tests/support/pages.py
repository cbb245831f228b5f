"""Pages as a browser reads them."""

import json
from html.parser import HTMLParser

from lxml import html
from webtest import TestResponse

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "col", "base", "area", "embed", "source", "track"}


class Nesting(HTMLParser):
    """Every element is closed, in the right order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.declaration = ""
        self.feed(text)
        self.close()
        assert not self.open, f"{self.open} stay open"

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, _attrs: list) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def page_of(answer: TestResponse) -> html.HtmlElement:
    """The body of a page that is HTML5."""
    assert answer.content_type == "text/html"
    assert answer.charset.lower() == "utf-8"
    assert Nesting(answer.text).declaration.lower() == "doctype html"
    tree = html.fromstring(answer.text)
    assert tree.get("lang")
    assert tree.findtext("head/title")
    return tree.find("body")


def leaves(value: object) -> list[str]:
    """Every value of a document as a page shows it."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value if isinstance(value, str) else json.dumps(value)]


def assert_says_the_same(body: html.HtmlElement, document: dict) -> None:
    """/req/html/content: all information, and all links as anchors."""
    shown = " ".join(body.text_content().split())
    for leaf in leaves(document):
        assert " ".join(leaf.split()) in shown, leaf
    anchors = {anchor.get("href") for anchor in body.iter("a")}
    for link in document.get("links", []):
        assert link["href"] in anchors, link
