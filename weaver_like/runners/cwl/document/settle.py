"""What is settled in a document before cwltool makes a tool of it, which would show later as it was never meant."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from weaver_like.domain.formats import is_media_type
from weaver_like.runners.cwl.document.formats import cwl_format
from weaver_like.runners.cwl.types import Document

#: Whole floats below this one are the numbers that they look like.
_EXACT = 2**53


def settle_ports(document: Document) -> None:
    """Settle the formats and the defaults of a process and of its steps; a document may come again."""
    for port in _ports(document):
        if "format" in port:
            port["format"] = _settled_formats(port["format"], str(port.get("id")))
        if "default" in port:
            port["default"] = _settled_value(port["default"])


def _ports(document: Document) -> Iterator[Document]:
    holders = [document, *(step for step in document.get("steps") or () if isinstance(step, dict))]
    for holder in holders:
        for section in ("inputs", "outputs", "in"):
            ports = holder.get(section)
            yield from (port for port in (ports if isinstance(ports, list) else ()) if isinstance(port, dict))


def _settled_formats(given: Any, port_id: str) -> Any:
    """Formats without a known prefix as their author wrote them, and media types by their CWL name.

    The loader makes such a format a name in the file where it stands, which means nothing to anybody: one that stands
    alone becomes a name beside that of the input or output, one in a list a name below it.
    """
    if isinstance(given, list):
        return [_settled_format(one, f"{port_id}/") for one in given]
    holder, mark, _ = port_id.rpartition("/" if "/" in port_id.rpartition("#")[2] else "#")
    return _settled_format(given, holder + mark)


def _settled_format(uri: Any, scope: str) -> Any:
    if not isinstance(uri, str) or not uri.startswith("file:") or not uri.startswith(scope):
        return uri
    written = unquote(uri.removeprefix(scope))
    return cwl_format(written) if is_media_type(written) else written


def _settled_value(value: Any) -> Any:
    """A whole number is one however it is written: YAML says 123000, what became JSON on its way 123000.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, list):
        value[:] = [_settled_value(item) for item in value]
    elif isinstance(value, dict):
        for name in value:
            value[name] = _settled_value(value[name])
    return value
