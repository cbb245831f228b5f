"""Masks secrets, so that they never reach a log or a document."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

#: What is shown in place of a secret.
HIDDEN = "***"
#: A shorter line of a secret of several lines is no secret of its own, e.g. a bracket.
_SHORTEST_LINE = 8
_USERINFO = re.compile(r"(://)[^/\s?#\"'<>]*@")
#: A URL cut off within its password: what follows the colon is not a port.
_CUT_USERINFO = re.compile(r"(://[^/\s@:\[\]]*:)(?![0-9]{1,5}(?:[/\s?#]|$))[^/\s@]+$")
_NAME = r"(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|signature|sig|credential)"
_NAMED = re.compile(rf"({_NAME}[\"']?[ \t]{{0,5}}[=:][ \t]{{0,5}}[\"']?)[^\s&\"',;]+", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(\bauthorization[\"']?[ \t]{0,5}[:=][ \t]{0,5}[\"']?)(?:(?:basic|bearer)[ \t]{1,5})?[^\s\"']+", re.IGNORECASE
)


def mask(text: str) -> str:
    """`text` with user information of URLs, named secrets and authorization values replaced by ***."""
    if "://" in text:
        text = _CUT_USERINFO.sub(r"\1***", _USERINFO.sub(r"\1***@", text))
    if "=" in text or ":" in text:
        text = _AUTHORIZATION.sub(r"\1***", _NAMED.sub(r"\1***", text))
    return text


def shown(uri: str) -> str:
    """A URI as a message may show it."""
    return clean(uri, 2000)[:200]


def clean(text: str, limit: int) -> str:
    """Foreign text made safe for a log or document: masked, acceptable to UTF-8 and databases, at most `limit` long."""
    return mask(text[:limit].encode("utf-8", "replace").decode().replace("\0", "\ufffd"))


class Secrets:
    """Values that clients gave for secret inputs of one job: no text that this has masked shows them.

    Any thread may ask and add. They are found as they are and as they are often written: in JSON, in a URL, between the
    quotes of a shell or of Python, and line by line.
    """

    def __init__(self, values: Iterable[object] = ()):
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.add(*values)

    def add(self, *values: object) -> None:
        """values: JSON; each text and number in them is a secret."""
        forms = {form for value in values for text in _texts(value) for form in _forms(text)}
        if not forms <= self._forms:
            self._forms |= forms
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        """`text` with each secret replaced by ***; to be called before a text is shortened."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def found_in(self, value: object) -> bool:
        """Whether a JSON value holds a secret."""
        return any(self.mask(text) != text for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts and numbers in a JSON value; of a file object of CWL what it holds, not how it is called."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        is_file = value.get("class") in ("File", "Directory")
        for name, item in value.items():
            if not is_file or name in ("contents", "listing", "secondaryFiles"):
                yield from _texts(item)


def _forms(text: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written."""
    whole = text.strip()
    lines = [line.strip() for line in whole.splitlines()]
    for part in (whole, *(line for line in lines if len(line) >= _SHORTEST_LINE)):
        if part:
            yield part
            yield part.replace("'", "'\"'\"'")
            yield json.dumps(part)[1:-1]
            yield json.dumps(part, ensure_ascii=False)[1:-1]
            yield repr(part)[1:-1]
            yield quote(part, safe="")
            yield quote(part)
