"""Secrets never reach a log or a document."""
import re

_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@:]*(?::[^/\s@]*)?@", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:\b|_)(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|signature|x-amz-signature|x-amz-credential)\s*[=:]\s*)[^\s&\"',;]+",
    re.IGNORECASE)
_AUTHORIZATION = re.compile(r"(\bauthorization\s*[:=]\s*)(?:(?:basic|bearer)\s+)?\S+", re.IGNORECASE)


def mask(text: str) -> str:
    """`text` with user information of URLs, named secrets and authorization values replaced by ***."""
    if "://" in text:
        text = _USERINFO.sub(r"\1***@", text)
    if "=" in text or ":" in text:
        text = _AUTHORIZATION.sub(r"\1***", _NAMED.sub(r"\1***", text))
    return text


def clean(text: str, limit: int) -> str:
    """Foreign text as a log or a document can hold it: masked, without what UTF-8 or a database refuses, at most `limit` long."""
    return mask(text[:limit].encode("utf-8", "replace").decode().replace("\0", "\ufffd"))
