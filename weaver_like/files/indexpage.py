"""Pages of web servers that list a folder: HTML with links, or JSON."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from weaver_like.domain.errors import FetchFailed
from weaver_like.domain.fileobjects import find_objects, is_folder, location_of, members, trouble_of
from weaver_like.domain.masks import shown
from weaver_like.fetchers.base import FolderEntry
from weaver_like.files.addresses import join, name_of, path_below

#: The parser gets so many characters at once, and no tag or script is longer than so many pieces: it reads an open one
#: anew with each of them.
_PIECE, _MAX_PIECES = 1 << 16, 16


def read_html(text: str, page: str, proceed: Callable[[], None]) -> Iterator[FolderEntry]:
    """Yield the entries of an index page: its links to what lies below it.

    All others are passed over: sorted views (`?C=N;O=D`), the folder above, other places.

    Args:
        page: address of the page.
        proceed: called now and then; raises to stop.
    Raises: FetchFailed.
    """
    found: set[str] = set()
    for href in _hrefs(text, proceed):
        entry = _entry_of(page, href)
        if entry is not None and entry.path not in found:
            found.add(entry.path)
            yield entry


def _hrefs(text: str, proceed: Callable[[], None]) -> list[str]:
    links = _Links()
    for start in range(0, len(text), _PIECE):
        proceed()
        try:
            links.feed(text[start : start + _PIECE])
        except AssertionError as error:  # the way of this parser to say so
            raise FetchFailed(f"its index page is not HTML: {str(error)[:100]}") from error
        if len(links.rawdata) > _MAX_PIECES * _PIECE:
            raise FetchFailed("its index page is not HTML: it has a tag without an end")
    return links.hrefs


class _Links(HTMLParser):
    """Collects what `<a href="...">` names."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.hrefs.append(href.strip())


def _entry_of(page: str, href: str) -> FolderEntry | None:
    """What a reference leads to, if it lies below the page; with the credentials that are in the page's address."""
    try:
        uri = join(page, href)
        path = path_below(page, uri)
    except ValueError:
        return None
    if not path:
        return None
    return FolderEntry(path, urlsplit(uri)._replace(netloc=urlsplit(page).netloc).geturl())


def read_json(document: object, page: str) -> list[FolderEntry] | None:
    """Entries of a listing in JSON; None if it is not one.

    Understood are the lists of nginx (`autoindex_format json`), lists of names or addresses, answers of S3 as JSON
    (`Contents`, `CommonPrefixes`), and Directory objects of CWL, as results of this server are.
    Raises: FetchFailed, for entries that do not lie below.
    """
    if isinstance(document, list):
        return [_listed(item, page) for item in document]
    if is_folder(document):
        return list(_cwl_entries(document, page))
    if isinstance(document, dict) and isinstance(document.get("Contents"), list):
        return list(_s3_entries(document, page))
    return None


def _listed(item: object, page: str) -> FolderEntry:
    if isinstance(item, str):
        entry = _entry_of(page, item)
        if entry is None:
            raise FetchFailed(f"it lists '{shown(item)}', which does not lie below it")
        return entry
    path = _text_of(item, "name")
    if isinstance(item, dict) and item.get("type") == "directory":
        path = path.rstrip("/") + "/"
    return FolderEntry(path, join(page, "./" + quote(path)))


def _s3_entries(document: dict[str, Any], page: str) -> Iterator[FolderEntry]:
    if document.get("IsTruncated"):
        raise FetchFailed("its listing is not complete (IsTruncated)")
    prefix = _text_of({"Prefix": ""} | document, "Prefix")
    folders = document.get("CommonPrefixes", [])
    if not isinstance(folders, list):
        raise FetchFailed("its listing is not valid: CommonPrefixes is not a list")
    keys = [_text_of(item, "Key") for item in document["Contents"]] + [_text_of(item, "Prefix") for item in folders]
    root = _root_of(page, prefix)
    for key in keys:
        if not key.startswith(prefix):
            raise FetchFailed(f"it lists '{shown(key)}', which does not lie below it")
        if key != prefix:
            yield FolderEntry(key.removeprefix(prefix), root + quote(key))


def _root_of(page: str, prefix: str) -> str:
    """Where keys begin: above a page whose own path ends with the prefix; a page with a query is the bucket's own."""
    parts = urlsplit(page)
    path = unquote(parts.path)
    if prefix and path.endswith("/" + prefix):
        path = path.removesuffix(prefix)
    elif parts.query:
        path = path.rstrip("/") + "/"
    return join(page, quote(path.rpartition("/")[0] + "/"))


def _text_of(item: object, member: str) -> str:
    text = item.get(member) if isinstance(item, dict) else None
    if not isinstance(text, str):
        raise FetchFailed(f"its listing has an entry without '{member}'")
    return text


def _cwl_entries(document: dict[str, Any], page: str) -> Iterator[FolderEntry]:
    """Each names its place, which may be anywhere."""
    for one in find_objects(document):
        trouble = trouble_of(one)
        if trouble:
            raise FetchFailed(f"its listing is not valid: {trouble}")
        one.setdefault("basename", name_of(location_of(one)))
    for path, entry in members(document):
        place = location_of(entry)
        if is_folder(entry):
            yield FolderEntry(path, "")
        elif place:
            yield FolderEntry(path, join(page, place))
        else:
            raise FetchFailed(f"its listing does not say where '{shown(path)}' is")
