"""Any document as an HTML5 page: everything that the JSON says, every link as an anchor."""

import jinja2
from markupsafe import Markup

from weaver_like.schemas.jsontext import dumps
from weaver_like.schemas.urls import Urls


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
    loader=jinja2.PackageLoader("weaver_like.faces.html"),
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


def render_page(title: str, document: dict, urls: Urls) -> bytes:
    """Source: /req/html/content: all information and all links of the JSON document stand in the body."""
    return _environment.get_template("document.html").render(title=title, document=document, base=urls.base).encode()
