"""Copies of STAC documents: what they refer to lies beside them, and they say where.

Source: STAC 1.0, item-spec and collection-spec; best practices, "Self-contained Catalogs".
"""

import posixpath
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import quote, unquote, urlsplit

from weaver_like.domain.errors import FetchFailed
from weaver_like.domain.ids import safe_file_name
from weaver_like.domain.masks import shown
from weaver_like.fetchers.base import FolderEntry
from weaver_like.files.addresses import join, name_of
from weaver_like.files.plan import FolderPlan
from weaver_like.schemas.jsontext import JsonObject, dumps

#: Links to documents that belong to a Collection or Catalog.
_PARTS = ("item", "child")


def is_stac(document: object) -> TypeGuard[JsonObject]:
    """True for an Item, a Collection or a Catalog. The latter had no `type` before STAC 1.0."""
    if not isinstance(document, dict) or document.get("type") not in ("Feature", "Collection", "Catalog", None):
        return False
    has_assets = document.get("type") == "Feature" and isinstance(document.get("assets"), dict)
    return has_assets or "stac_version" in document


@dataclass(frozen=True, slots=True)
class StacCopy:
    """A copy of a STAC document.

    Args:
        content: None if the document may stay as it came.
        parts: items and children, which are documents to be copied too; their paths are planned.
    """

    content: bytes | None
    parts: list[FolderEntry] = field(default_factory=list)


@dataclass(slots=True)
class _Reference:
    """A place in a document that refers to something. holder: has the member `href`.  key: a name for it."""

    holder: dict[str, Any]
    key: str
    href: str
    uri: str
    is_part: bool = False


def copy_stac(document: JsonObject, uri: str, path: str, plan: FolderPlan) -> StacCopy:
    """Plan all that a document refers to, and make it say where that is. `document` is changed.

    A relative reference that leads to a place in the folder is kept; whatever it refers to gets that place. All others
    become relative. A link to the document itself goes: readers would take relative references for relative to it.

    Args:
        uri: where the document is.
        path: of the copy, in the folder of the plan.
    Raises: FetchFailed.
    """
    folder = posixpath.dirname(path)
    references = _assets(document, uri) + _links(document, uri)
    others = [one for one in references if not _keeps_place(one, folder, plan)]
    for reference in others:
        reference.holder["href"] = _relative(_placed(reference, folder, plan), folder)
    changed = bool(others) | _drop_self(document)
    changed |= _lead_home(document, uri, folder, plan)
    parts = [FolderEntry(_planned(one, plan), one.uri) for one in references if one.is_part]
    return StacCopy(dumps(document) if changed else None, parts)


def _assets(document: JsonObject, uri: str) -> list[_Reference]:
    assets = document.get("assets") or {}
    if not isinstance(assets, dict):
        raise FetchFailed(f"the member 'assets' of '{shown(uri)}' is not an object")
    return [_reference(asset, f"asset '{shown(key)}'", key, uri) for key, asset in assets.items()]


def _links(document: JsonObject, uri: str) -> list[_Reference]:
    """Those to items and children; an Item has none."""
    found = []
    for link in _all_links(document):
        if link.get("rel") in _PARTS and document.get("type") != "Feature":
            reference = _reference(link, f"link '{link['rel']}'", "", uri)
            reference.is_part = True
            found.append(reference)
    return found


def _all_links(document: JsonObject) -> list[dict[str, Any]]:
    links = document.get("links")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _reference(holder: object, what: str, key: str, uri: str) -> _Reference:
    href = holder.get("href") if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(href, str) or not href:
        raise FetchFailed(f"the {what} of '{shown(uri)}' has no href")
    try:
        target = join(uri, href)
    except ValueError as error:
        raise FetchFailed(f"the {what} of '{shown(uri)}' has an href that is not an address: {error}") from error
    if target.endswith("/"):
        raise FetchFailed(f"the {what} of '{shown(uri)}' leads to a folder, '{shown(target)}'; expected a file")
    return _Reference(holder, key, href, target)


def _keeps_place(reference: _Reference, folder: str, plan: FolderPlan) -> bool:
    """Plan what a relative reference leads to, if it leads to a free place in the folder."""
    parts = urlsplit(reference.href)
    if parts.scheme or parts.netloc or parts.query or parts.fragment or parts.path.startswith("/"):
        return False
    path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
    if path == ".." or path.startswith("../"):
        return False
    if plan.files.get(path) != reference.uri and not plan.is_free(path):
        return False
    plan.add_file(path, reference.uri)
    return True


def _placed(reference: _Reference, folder: str, plan: FolderPlan) -> str:
    """Plan what a reference leads to: beside the document, by its own name, or in a folder that is named after it."""
    planned = plan.path_of(reference.uri)
    if planned is not None:
        return planned
    name = safe_file_name(name_of(reference.uri))
    key = safe_file_name(reference.key or name.partition(".")[0])
    choices = [f"{key}/{name}", f"{key}-{len(plan.files)}/{name}"]
    if not reference.is_part:  # the files of another document stay apart from those of this one
        choices.insert(0, name)
    paths = [posixpath.join(folder, choice) for choice in choices]
    path = next((path for path in paths if plan.is_free(path)), paths[-1])
    plan.add_file(path, reference.uri)
    return path


def _planned(reference: _Reference, plan: FolderPlan) -> str:
    path = plan.path_of(reference.uri)
    assert path is not None, "every reference is planned"
    return path


def _relative(path: str, folder: str) -> str:
    relative = quote(posixpath.relpath(path, folder or "."))
    return relative if relative.startswith("../") else f"./{relative}"


def _drop_self(document: JsonObject) -> bool:
    """Whether there was such a link."""
    links = document.get("links")
    if not isinstance(links, list):
        return False
    document["links"] = [link for link in links if not (isinstance(link, dict) and link.get("rel") == "self")]
    return len(document["links"]) < len(links)


def _lead_home(document: JsonObject, uri: str, folder: str, plan: FolderPlan) -> bool:
    """Make other links (root, parent, collection) lead to documents that are in the folder; whether any changed."""
    changed = False
    for link in _all_links(document):
        href = link.get("href")
        if not isinstance(href, str) or link.get("rel") in _PARTS:
            continue
        try:
            path = plan.path_of(join(uri, href))
        except ValueError:
            continue
        if path is not None and link["href"] != _relative(path, folder) and urlsplit(href).scheme:
            link["href"] = _relative(path, folder)
            changed = True
    return changed
