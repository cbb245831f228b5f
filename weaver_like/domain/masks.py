"""Masks secrets, so that they never reach a log or a document."""

import re

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
