"""The Prefer header, and the choice between synchronous and asynchronous execution."""

import re
from dataclasses import dataclass

from weaver_like.domain.errors import InvalidInput

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_RETURNS = ("minimal", "representation")
_HANDLINGS = ("strict", "lenient")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers.

    Args:
        wait_s: seconds; None if the header does not say.
        return_: "minimal", "representation" or None.
        given: whether there is a Prefer header at all.
        unknown: names that this server does not know, or whose value it does not understand.
    """

    respond_async: bool = False
    wait_s: int | None = None
    return_: str | None = None
    strict: bool = False
    given: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """How an execution is answered.

    Args:
        wait_s: longest wait for the end of the job before it is answered as asynchronous; 0: it is at once.
        applied: the preferences that are honoured, as the header `Preference-Applied` names them.
    """

    wait_s: float
    applied: tuple[str, ...] = ()


def parse_prefer(text: str | None) -> Preferences:
    """Read the header, several of them joined by commas; of repeated preferences the first counts.

    Source: RFC 7240 sections 2 and 4.
    """
    if text is None:
        return Preferences()
    found, unknown = _parse_list(text)
    respond_async = found.pop("respond-async", None) is not None
    wait, return_, handling = found.pop("wait", None), found.pop("return", None), found.pop("handling", None)
    unknown = [*found, *unknown]
    wait_s = None
    if wait is not None:
        if re.fullmatch(r"[0-9]{1,9}", wait):
            wait_s = int(wait)
        else:
            unknown.append("wait")
    if return_ is not None and return_ not in _RETURNS:
        unknown.append("return")
        return_ = None
    if handling is not None and handling not in _HANDLINGS:
        unknown.append("handling")
    return Preferences(respond_async, wait_s, return_, handling == "strict", True, tuple(unknown))


def _parse_list(text: str) -> tuple[dict[str, str], list[str]]:
    """Names (lower case) with their values, without parameters; and the parts that have no name."""
    found: dict[str, str] = {}
    nameless = []
    for part in _split(text, ","):
        name, _, value = _split(part.strip(), ";")[0].partition("=")
        name = name.strip()
        if _TOKEN.match(name):
            found.setdefault(name.lower(), value.strip().strip('"'))
        elif part.strip():
            nameless.append(part.strip()[:100])
    return found, nameless


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator, but not inside quotes."""
    quoted = text.split('"')
    if len(quoted) == 1:
        return text.split(separator)
    parts = [""]
    for number, piece in enumerate(quoted):
        if number % 2:
            parts[-1] += f'"{piece}"'
        else:
            first, *rest = piece.split(separator)
            parts[-1] += first
            parts.extend(rest)
    return parts


def choose_mode(
    preferences: Preferences, sync: bool, asynchronous: bool, limit_s: float, asked: str | None = None
) -> Mode:
    """Choose how to answer an execution.

    Args:
        sync, asynchronous: what the process offers.
        limit_s: the server's longest wait.
        asked: the `mode` member of an older client's body, used only without a Prefer header.
    Raises: InvalidInput, if `handling=strict` and a preference cannot be honoured.
    Source: /req/core/process-execute-default-execution-mode, -auto-execution-mode; RFC 7240 section 4.1 to 4.3.
    """
    if preferences.strict:
        _refuse_dishonoured(preferences, sync, asynchronous, limit_s)
    wants_async = preferences.respond_async or (asked == "async" and not preferences.given)
    at_once = not sync or (wants_async and asynchronous and preferences.wait_s is None)
    wait_s = limit_s
    if at_once:
        wait_s = 0
    elif asynchronous and preferences.wait_s is not None:
        wait_s = min(preferences.wait_s, limit_s)
    return Mode(wait_s, _applied(preferences, at_once, asynchronous, limit_s))


def _applied(preferences: Preferences, at_once: bool, asynchronous: bool, limit_s: float) -> tuple[str, ...]:
    applied = []
    if preferences.respond_async and (at_once or asynchronous):
        applied.append("respond-async")
    if preferences.wait_s is not None and preferences.wait_s <= limit_s and not at_once:
        applied.append(f"wait={preferences.wait_s}")
    if preferences.return_:
        applied.append(f"return={preferences.return_}")
    if preferences.strict:
        applied.append("handling=strict")
    return tuple(applied)


def _refuse_dishonoured(preferences: Preferences, sync: bool, asynchronous: bool, limit_s: float) -> None:
    """Raises: InvalidInput, with every preference that cannot be honoured."""
    reasons = [f"'{name}' is not known, or its value is not" for name in preferences.unknown]
    if preferences.respond_async and not asynchronous:
        reasons.append("'respond-async': this process can only be executed synchronously")
    if preferences.wait_s is not None and not preferences.respond_async and not sync:
        reasons.append("'wait': this process can only be executed asynchronously")
    if preferences.wait_s is not None and preferences.wait_s > limit_s:
        reasons.append(f"'wait': the longest possible wait is {limit_s:g} s")
    if reasons:
        raise InvalidInput(f"The Prefer header has handling=strict and cannot be honoured: {'; '.join(reasons)}.")
