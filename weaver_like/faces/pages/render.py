"""Any document as an HTML5 page: everything that the JSON says, every link as an anchor."""

from typing import Any

import jinja2
from markupsafe import Markup

from weaver_like.domain.formats import HTML, JSON
from weaver_like.schemas.jsontext import dumps


def _is_table(value: object) -> bool:
    """A list of objects becomes a table, one column for each member that any of them has."""
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _is_flat(value: object) -> bool:
    """A table inside of a table, and so on, would be read by scrolling only."""
    return _is_table(value) and not any(
        isinstance(cell, dict) or (_is_table(cell) and not _is_links(cell)) for row in value for cell in row.values()
    )


def _is_links(value: object) -> bool:
    """Only what may be followed: a result may look like links too."""
    return _is_table(value) and all(
        _address(entry.get("href")) and isinstance(entry.get("rel"), str) for entry in value
    )


def _columns(rows: list[dict]) -> list[str]:
    """Links come last."""
    return sorted(dict.fromkeys(name for row in rows for name in row), key=lambda name: name == "links")


def _address(value: object) -> str | None:
    """The text itself if it is a URL that may be followed; `javascript:` and the like are not."""
    return value if isinstance(value, str) and value.startswith(("http://", "https://")) else None


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
    "json": lambda value: Markup.escape(dumps(value).decode()),
}
_environment.tests |= {"table": _is_table, "flat": _is_flat, "links": _is_links}


def render_page(title: str, document: dict[str, Any], base: str) -> bytes:
    """Source: /req/html/content: all information and all links of the JSON document stand in the body."""
    return (
        _environment.get_template("document.html").render(title=title, document=_as_page(document), base=base).encode()
    )


def _as_page(document: dict[str, Any]) -> dict[str, Any]:
    """In the HTML form of a document it is the HTML form that is `self`, and JSON the alternate."""
    links = [turned for link in document.get("links", ()) for turned in _turned(link)]
    return document | {"links": links} if links else document


def _turned(link: dict[str, Any]) -> list[dict[str, Any]]:
    if (link["rel"], link.get("type")) == ("alternate", HTML):
        return [link | {"rel": "self"}]
    if (link["rel"], link.get("type")) != ("self", JSON):
        return [link]
    alternate = link | {"rel": "alternate"}
    # Under the same address a browser gets HTML again, so that people need one that says JSON.
    mark = "&" if "?" in link["href"] else "?"
    return [alternate, alternate | {"href": f"{link['href']}{mark}f=json"}]
