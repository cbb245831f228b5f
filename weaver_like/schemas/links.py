"""Links as inputs: what may stand in one, and what it stands for."""

import re
from typing import Any
from urllib.parse import urlsplit

from weaver_like.domain.errors import Fault, InvalidInput
from weaver_like.domain.formats import is_folder_type
from weaver_like.domain.values import Reference
from weaver_like.schemas.jsontext import JsonObject
from weaver_like.schemas.shape import Shape, to_pointer

#: RFC 9110 section 5.6.2.
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff\t]{0,8000}\Z")
_MOST_HEADERS = 30
#: They belong to the connection, or say where the request goes. Source: RFC 9110 sections 7.2, 7.6.1.
_OURS = {
    *("host", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
    *("trailer", "transfer-encoding", "upgrade", "content-length", "accept-encoding", "expect"),
}
#: Beside `href`, of a link inside of a value. Source: OGC 18-062r2, link.yaml.
_MEMBERS = {"href", "type", "rel", "title", "hreflang", "length"}


def check_link(link: Reference, raw: JsonObject, pointer: str) -> None:
    """Refuse what a link may not hold. Raises: InvalidInput."""
    faults = []
    if "value" in raw:
        faults.append(Fault(f"{pointer}/value", "expected either href or value, got both"))
    if not isinstance(raw.get("headers", {}), dict):
        faults.append(Fault(f"{pointer}/headers", "expected an object of header names and values"))
    elif link.headers and urlsplit(link.href).scheme not in ("http", "https"):
        faults.append(Fault(f"{pointer}/headers", "headers can only be sent to http and https"))
    elif len(link.headers) > _MOST_HEADERS:
        faults.append(Fault(f"{pointer}/headers", f"expected at most {_MOST_HEADERS} headers, got {len(link.headers)}"))
    for name, value in link.headers:
        trouble = _trouble_of(name, value)
        if trouble:
            faults.append(Fault(f"{pointer}/headers{to_pointer([name[:100]])}", trouble))
    if faults:
        raise InvalidInput(f"The request is not valid: {faults[0].pointer}: {faults[0].detail}.", faults=faults)


def _trouble_of(name: str, value: object) -> str:
    if not _NAME.match(name):
        return "this is not the name of an HTTP header"
    if name.lower() in _OURS:
        return "this header is the server's own"
    if not isinstance(value, str) or not _VALUE.match(value):
        return "expected one line of text"
    return ""


def fits_as_it_stands(raw: JsonObject, schema: JsonObject) -> bool:
    """Whether an object with `href` or `value` is a record that has such a member, rather than a link or a wrapper."""
    own = raw.keys() & {"href", "value"}
    forms = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return any(own & form.get("properties", {}).keys() and not Shape(form).faults(raw) for form in forms)


def links_as_files(value: Any, schema: JsonObject) -> Any:
    """The value, with CWL's own objects in place of links wherever its schema takes a File or Directory."""
    if not _holds_objects(value):
        return value
    options = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if isinstance(value, list):
        items = [option["items"] for option in options if isinstance(option.get("items"), dict)]
        return [links_as_files(part, {"anyOf": items}) for part in value] if items else value
    if _is_plain_link(value):
        kinds = [kind for kind in map(object_class, options) if kind]
        return _file_object(_kind_of(value, kinds), value) if kinds else value
    known = [option["properties"] for option in options if isinstance(option.get("properties"), dict)]
    return {
        name: links_as_files(part, {"anyOf": [one[name] for one in known if isinstance(one.get(name), dict)]})
        for name, part in value.items()
    }


def _holds_objects(value: object) -> bool:
    if isinstance(value, list):
        return any(isinstance(part, (dict, list)) for part in value)
    return isinstance(value, dict)


def _is_plain_link(value: JsonObject) -> bool:
    return isinstance(value.get("href"), str) and value.keys() <= _MEMBERS


def _kind_of(link: JsonObject, kinds: list[str]) -> str:
    """What a link stands for, of the classes that may stand there."""
    if "Directory" in kinds and is_folder_link(link["href"], link.get("type")):
        return "Directory"
    return kinds[0]


def is_folder_link(href: str, media_type: object) -> bool:
    """Whether a link says of itself that it leads to a folder."""
    return href.partition("?")[0].endswith("/") or (isinstance(media_type, str) and is_folder_type(media_type))


def object_class(schema: JsonObject) -> str | None:
    """ "File" or "Directory", if the schema is that of such an object."""
    described = schema.get("properties", {}).get("class")
    names = described.get("enum") if isinstance(described, dict) else None
    return next((kind for kind in ("File", "Directory") if names == [kind]), None)


def _file_object(kind: str, link: JsonObject) -> JsonObject:
    found: JsonObject = {"class": kind, "location": link["href"]}
    if isinstance(link.get("type"), str):
        found["mediaType"] = link["type"]
    return found
