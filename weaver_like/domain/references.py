"""References to our own result files inside values: relative in the store, absolute in answers (docs/results.rst)."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from weaver_like.domain.results import Result

#: A place in a JSON value: member names and positions, from the outside in.
Where = tuple[str | int, ...]


def make_results_relative(
    results: Iterable[Result], locations: Sequence[str], uri_outputs: Collection[str] = ()
) -> list[Result]:
    """Replace references into our own output area by "/<job id>/<output id>/<file name>", and note their places.

    Because the places are noted, no text that merely looks relative is ever taken for such a reference.

    Args:
        results: any number, order kept; only texts that are a member `href`, at any depth, count as references.
        locations: every way to refer to the area, without trailing slash: URLs, folder, s3://bucket/prefix.
        uri_outputs: ids of outputs whose value, or each item of it, is described as a URI.
    """
    return [_relative(result, locations, result.output in uri_outputs) for result in results]


def make_value_absolute(result: Result, outputs_url: str) -> object:
    """The value of a result with its noted references below `outputs_url` (no trailing slash)."""
    return _changed(result.value, result.references, lambda reference: outputs_url + reference)


def _relative(result: Result, locations: Sequence[str], described: bool) -> Result:
    own: dict[Where, str] = {}
    changes: dict[str, str] = {}
    for where, uri in _uris(result.value, described):
        reference = own_reference(uri, locations)
        if reference:
            own[where] = changes[uri] = reference
    if not own:
        return result
    return replace(result, value=_changed(result.value, own, changes.__getitem__), references=tuple(own))


def _uris(value: object, described: bool) -> Iterator[tuple[Where, str]]:
    """Yield every text that is a reference. Not recursive: values may be nested deeper than calls."""
    waiting: list[tuple[Where, object, bool]] = [((), value, described)]
    while waiting:
        where, part, is_uri = waiting.pop()
        if isinstance(part, dict):
            for name, item in part.items():
                if isinstance(item, (dict, list)) or name == "href":
                    waiting.append(((*where, name), item, name == "href"))
        elif isinstance(part, list):
            for number, item in enumerate(part):
                if isinstance(item, (dict, list)) or is_uri:
                    waiting.append(((*where, number), item, is_uri))
        elif is_uri and isinstance(part, str):
            yield where, part


def own_reference(uri: str, locations: Sequence[str]) -> str | None:
    """The part after one of the locations, if that is "/<job id>/<output id>/<file name>"; quoted as in a URL."""
    for location in locations:
        if not uri.startswith(location + "/"):
            continue
        reference = uri[len(location) :]
        if not location.startswith(("http:", "https:", "file:")):
            reference = quote(reference)
        parts = reference.partition("?")[0].partition("#")[0].split("/")[1:]
        if len(parts) == 3 and {"", ".", ".."}.isdisjoint(map(unquote, parts)):
            return reference
    return None


def _changed(value: object, places: Iterable[Where], change: Callable[[str], str]) -> object:
    """A copy of `value` with the texts at `places` changed; parts without such a place are shared, not copied."""
    root: list[Any] = [value]
    copied = {id(root)}
    for where in places:
        container: Any = root
        key: str | int = 0
        for step in where:
            if id(container[key]) not in copied:
                container[key] = copy.copy(container[key])
                copied.add(id(container[key]))
            container, key = container[key], step
        container[key] = change(container[key])
    return root[0]
