"""Any document as an HTML5 page, with everything that the JSON says, and every link as an anchor."""

from typing import TypeGuard

import jinja2
from markupsafe import Markup

from weaver_like.domain.formats import HTML, JSON
from weaver_like.schemas.jsontext import JsonObject, dumps


def _is_table(value: object) -> TypeGuard[list[JsonObject]]:
    """Whether a value is a list of objects: it becomes a table, with a column for each member that any of them has."""
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _is_flat(value: object) -> bool:
    """Whether a value is a table without tables in it, other than links: deeper ones would be hard to read."""
    if not _is_table(value):
        return False
    return not any(_is_deep(cell) for row in value for cell in row.values())


def _is_deep(cell: object) -> bool:
    return isinstance(cell, dict) or (_is_table(cell) and not _is_links(cell))


def _is_links(value: object) -> bool:
    """Whether a value is a list of links that may be followed; values of results may look like links too."""
    if not _is_table(value):
        return False
    return all(_address(entry.get("href")) and isinstance(entry.get("rel"), str) for entry in value)


def _columns(rows: list[JsonObject]) -> list[str]:
    """Names of members, in the order in which they appear, `links` last."""
    return sorted(dict.fromkeys(name for row in rows for name in row), key=lambda name: name == "links")


def _address(value: object) -> str | None:
    """The text itself if it is a URL that may be followed; `javascript:` and the like may not."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return value
    return None


def _as_json(value: object) -> Markup:
    return Markup.escape(dumps(value).decode())


_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("weaver_like.faces.pages"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_environment.filters |= {
    "address": _address,
    "columns": _columns,
    "json": _as_json,
}
_environment.tests |= {"table": _is_table, "flat": _is_flat, "links": _is_links}


def render_page(title: str, document: JsonObject, base: str) -> bytes:
    """Source: /req/html/content: all information and all links of the JSON document stand in the body."""
    template = _environment.get_template("document.html")
    return template.render(title=title, document=_as_page(document), base=base).encode()


def _as_page(document: JsonObject) -> JsonObject:
    """The document with the links of its HTML form: that is `self`, and JSON the alternate."""
    page: JsonObject = {name: _as_rows(part) for name, part in document.items()}
    if _is_links(page.get("links")):
        links = [paged for link in page["links"] for paged in _with_page(link)]
        page["links"] = [turned for link in links for turned in _turned(link)]
    return page


def _as_rows(part: object) -> object:
    """The entries of a list, which may have links of their own."""
    if not _is_table(part):
        return part
    rows = []
    for entry in part:
        if _is_links(entry.get("links")):
            entry = entry | {"links": [paged for link in entry["links"] for paged in _with_page(link)]}
        rows.append(entry)
    return rows


def _with_page(link: JsonObject) -> list[JsonObject]:
    """A link that asks for JSON, after one that leads from page to page; any other link alone."""
    href = link["href"].removesuffix("?f=json")
    if href == link["href"] or link["rel"] == "self":
        return [link | {"href": href}]
    return [link | {"href": href, "type": HTML}, link]


def _turned(link: JsonObject) -> list[JsonObject]:
    kind = (link["rel"], link.get("type"))
    if kind == ("alternate", HTML):
        return [link | {"rel": "self"}]
    if kind != ("self", JSON):
        return [link]
    alternate = link | {"rel": "alternate"}
    # A browser gets HTML again at the same address, so people need one that asks for JSON.
    mark = "&" if "?" in link["href"] else "?"
    return [alternate, alternate | {"href": f"{link['href']}{mark}f=json"}]
