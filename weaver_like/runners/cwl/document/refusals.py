"""Why a package is refused: the long texts of cwltool and schema-salad as short sentences, each with its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from weaver_like.domain.errors import Fault

_MOST_FAULTS, _LONGEST = 50, 500
_TYPES = ("null", "boolean", "int", "long", "float", "double", "string", "File", "Directory", "Any")
_MARK = re.compile(r"^(?P<file>[^\s:][^:\n]*?):(?P<line>\d+):(?P<column>\d+):\s?(?P<text>.*)$")
_FIELD = re.compile(r"^Validation error in field (?P<field>\w+):$")
#: Types of the libraries in their messages, by words of YAML.
_LIBRARY_TYPES = (
    (re.compile(r"\b(ruamel\.yaml\.[\w.]*)?CommentedMap\b"), "mapping"),
    (re.compile(r"\b(ruamel\.yaml\.[\w.]*)?CommentedSeq\b"), "list"),
    (re.compile(r"\bruamel\.yaml\.scalar(int|float)\.\w+"), "number"),
    (re.compile(r"\bruamel\.yaml\.scalarstring\.\w+"), "text"),
    (re.compile(r"\bNoneType\b"), "null"),
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: How cwltool numbers lines, and says where it is.
_NUMBERING = re.compile(r"^\(\d+\) \([^)]*\) ")
#: Lines that only lead to what is said below them.
_LEADS = re.compile(
    r"^(checking (field|object|item)\b.*|Invalid|Warning:|tried .* but|Tool definition .* failed validation:|"
    r"Definition .* failed validation:|Expected one of|in |.* (is|are) (not valid|invalid) because)$"
)
_TRIED = re.compile(r",? tried [^ ]*\.?\w*#")
_UNDEFINED = re.compile(r"^Field '(\w+)' contains undefined reference to '([^']*)'")
_UNKNOWN = re.compile(r"^Field '(\w+)' references unknown identifier '([^']*)'")
_SECTION = re.compile(r'^"(\w+)" section is not valid\.?$')
_MISSING = re.compile(r"^missing required field '?`?(\w+)`?'?")


class Refused(Exception):
    """The package cannot be run; the text says why.

    pointer: file:line:column or JSON pointer, empty if it is about the package as a whole.
    missing_process: the client asked for a process that the package does not have.
    """

    def __init__(self, detail: str, pointer: str = "", *, missing_process: bool = False):
        super().__init__(detail)
        self.detail = detail
        self.faults = (Fault(pointer, detail),) if pointer else ()
        self.missing_process = missing_process


@dataclass
class _Reader:
    """Reads the lines of a message one after the other.

    place: of the last line that told one.  leading: the next line begins a fault.
    """

    faults: list[tuple[str, str]] = field(default_factory=list)
    place: str = ""
    leading: bool = True

    def read(self, line: str) -> None:
        mark = _MARK.match(line.strip())
        if mark:
            self.place = f"{mark['file']}:{mark['line']}:{mark['column']}"
            line = mark["text"]
        is_item = line.strip().startswith(("* ", "- "))
        text = re.sub(r"^(\* |- )", "", line.strip()).removeprefix("Warning:").strip()
        found = _FIELD.match(text)
        if found:
            self.place = f"/{found['field']}"
        if not text or found or _LEADS.match(text):
            self.leading = self.leading or bool(text)
        elif self.leading or mark or is_item:
            self.faults.append((self.place, text))
            self.leading = False
        elif self.faults:
            pointer, detail = self.faults[-1]
            self.faults[-1] = (pointer, f"{detail} {text}")


def plain_types(text: str) -> str:
    """A message of a library with the names of types that a writer of YAML knows."""
    for pattern, word in _LIBRARY_TYPES:
        text = pattern.sub(word, text)
    return text


def faults_of(text: str) -> tuple[Fault, ...]:
    """The single faults of a text, in order, at most fifty, each once."""
    reader = _Reader()
    for line in _COLOURS.sub("", text).splitlines():
        reader.read(_NUMBERING.sub("", line))
    faults = (Fault(pointer, _shortened(detail)) for pointer, detail in reader.faults)
    return tuple(dict.fromkeys(fault for fault in faults if fault.detail))[:_MOST_FAULTS]


def _shortened(detail: str) -> str:
    """What is wrong and what is expected, without the ways that were tried."""
    detail = _TRIED.split(detail)[0].rstrip(" ,")
    detail = _UNDEFINED.sub(_undefined, detail)
    detail = _UNKNOWN.sub(lambda found: _nothing(found[1], found[2]), detail)
    detail = _SECTION.sub(r"\1 is missing or empty; expected a mapping or a list", detail)
    detail = _MISSING.sub(r"\1 is missing", detail)
    return plain_types(detail)[:_LONGEST]


def _undefined(found: re.Match[str]) -> str:
    member, value = found[1], found[2]
    if member == "class":
        return f"class is '{value}', which is not known here"
    if member == "run":
        return f"run is '{value}', but the package has no such file; send all files that it refers to with it"
    return _nothing(member, value)


def _nothing(member: str, value: str) -> str:
    """Of a type also what would be right: people who know other languages write `str`, `integer` and `file`."""
    text = f"{member} is '{value}', but there is nothing of that name"
    return f"{text}; known are {', '.join(_TYPES)}" if member == "type" else text


def sentence(faults: Sequence[Fault]) -> str:
    """The first faults in one text."""
    shown = []
    for fault in faults[:3]:
        detail = fault.detail.rstrip(".")
        if fault.pointer:
            detail = f"{fault.pointer}: {detail}"
        shown.append(detail)
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return "; ".join(shown) + more + "."
