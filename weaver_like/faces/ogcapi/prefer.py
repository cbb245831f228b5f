"""The Prefer header, and the choice between synchronous and asynchronous execution."""

import re
from dataclasses import dataclass, field

from weaver_like.domain.errors import InvalidInput

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_RETURNS = ("minimal", "representation")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers. wait_s: seconds, None if not said. return_: "minimal", "representation" or None.

    given: True if there was a Prefer header at all.  unknown: names that this server does not know, or whose value is bad.
    """

    respond_async: bool = False
    wait_s: int | None = None
    return_: str | None = None
    strict: bool = False
    given: bool = False
    unknown: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Mode:
    """How an execution is answered. wait_s: longest wait before the answer goes on as asynchronous (0: at once)."""

    wait_s: float
    applied: tuple[str, ...] = ()


def parse_prefer(text: str | None) -> Preferences:
    """Read the header, several of them joined by commas; of repeated preferences the first counts.

    Source: RFC 7240 sections 2 and 4.
    """
    if text is None:
        return Preferences()
    found: dict[str, str] = {}
    strange = []
    for part in filter(None, (part.strip() for part in _split(text, ","))):
        name, _, value = _split(part, ";")[0].partition("=")
        if _TOKEN.match(name.strip()):
            found.setdefault(name.strip().lower(), value.strip().strip('"'))
        else:
            strange.append(part[:100])
    wait, back, handling = found.pop("wait", None), found.pop("return", None), found.pop("handling", None)
    respond_async = found.pop("respond-async", None) is not None
    unknown = [*found, *strange]
    wait_s = int(wait) if wait is not None and re.fullmatch(r"[0-9]{1,9}", wait) else None
    unknown += ["wait"] if wait is not None and wait_s is None else []
    unknown += ["return"] if back is not None and back not in _RETURNS else []
    unknown += ["handling"] if handling not in (None, "strict", "lenient") else []
    return Preferences(
        respond_async, wait_s, back if back in _RETURNS else None, handling == "strict", True, tuple(unknown)
    )


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
    """Choose how to answer; `sync` and `asynchronous` say what the process offers, `limit_s` the server's longest wait.

    asked: the `mode` member of an older client's body, used only without a Prefer header.
    Raises: InvalidInput, if `handling=strict` and a preference cannot be honoured.
    Source: /req/core/process-execute-default-execution-mode, -auto-execution-mode; RFC 7240 section 4.1 to 4.3.
    """
    wants_async = preferences.respond_async or (asked == "async" and not preferences.given)
    if preferences.strict:
        _refuse_dishonoured(preferences, sync, asynchronous, limit_s)
    applied = [f"return={preferences.return_}"] if preferences.return_ else []
    applied += ["handling=strict"] if preferences.strict else []
    if not sync or (wants_async and asynchronous and preferences.wait_s is None):
        return Mode(0, tuple((["respond-async"] if preferences.respond_async else []) + applied))
    wait_s = limit_s if preferences.wait_s is None else min(preferences.wait_s, limit_s)
    if preferences.wait_s is not None and preferences.wait_s <= limit_s:
        applied.insert(0, f"wait={preferences.wait_s}")
    if preferences.respond_async and asynchronous:
        applied.insert(0, "respond-async")
    return Mode(wait_s if asynchronous else limit_s, tuple(applied))


def _refuse_dishonoured(preferences: Preferences, sync: bool, asynchronous: bool, limit_s: float) -> None:
    reasons = [f"preference '{name}' is not known, or its value is not" for name in preferences.unknown]
    if preferences.respond_async and not asynchronous:
        reasons.append("'respond-async': this process is offered synchronously only")
    if preferences.wait_s is not None and not preferences.respond_async and not sync:
        reasons.append("'wait': this process is offered asynchronously only")
    if preferences.wait_s is not None and preferences.wait_s > limit_s:
        reasons.append(f"'wait': at most {limit_s:g} s are possible")
    if reasons:
        raise InvalidInput("Prefer has handling=strict, and cannot be honoured: " + "; ".join(reasons) + ".")
