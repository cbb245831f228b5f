"""Why a package is refused: the long texts of cwltool and schema-salad as short sentences, each with its place."""

import re
from collections.abc import Iterator, Sequence
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
    (re.compile(r"\b(ruamel\.yaml\.scalarstring\.)?\w+ScalarString\b"), "text"),
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
#: The first line of a list of all that could stand in a place; its last one ends in this.
_UNION, _UNION_END = "tried array of <", "> but"
#: One line for each that could; what stands there is none of them.
_OTHER_CLASS = re.compile(r"^Expected class '[\w.]*?(?P<expected>\w+)' but this is '(?P<found>[^']*)'")
_UNSUPPORTED = re.compile(r"^Unsupported requirement ([^ ]+?)\.?$")


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

    place: of the last line that told one.  leading: the next line begins a fault.  listing: within a list of all that
    could stand in a place.
    """

    faults: list[tuple[str, str]] = field(default_factory=list)
    place: str = ""
    leading: bool = True
    listing: bool = False

    def read(self, line: str) -> None:
        mark = _MARK.match(line.strip())
        if mark:
            self.place = f"{mark['file']}:{mark['line']}:{mark['column']}"
            line = mark["text"]
            self.listing = False
        is_item = line.strip().startswith(("* ", "- "))
        text = re.sub(r"^(\* |- )", "", line.strip()).removeprefix("Warning:").strip()
        if self.listing or text.startswith(_UNION):
            self.listing = not text.endswith(_UNION_END)
            self.leading = True
            return
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
    faults = (Fault(pointer, _shortened(detail)) for pointer, detail in _without_alternatives(reader.faults))
    return tuple(dict.fromkeys(fault for fault in faults if fault.detail))[:_MOST_FAULTS]


def _without_alternatives(faults: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the same, but one fault where something is of none of the classes that could stand there."""
    told: set[tuple[str, str]] = set()
    for place, detail in faults:
        other = _OTHER_CLASS.match(detail)
        if other is None:
            yield place, detail
        elif (place, other["found"]) not in told:
            told.add((place, other["found"]))
            yield place, _none_of_these(other["expected"], other["found"])


def _none_of_these(expected: str, found: str) -> str:
    """expected: the first of all classes that could stand there."""
    if expected.endswith("Requirement"):
        return _unsupported(found)
    return f"class is '{found}', which is not expected here"


def _unsupported(requirement: str) -> str:
    return f"requirement {requirement} is not supported here; make it a hint, if the tool can do without it"


def _shortened(detail: str) -> str:
    """What is wrong and what is expected, without the ways that were tried."""
    detail = _TRIED.split(detail)[0].rstrip(" ,")
    detail = _UNDEFINED.sub(_undefined, detail)
    detail = _UNKNOWN.sub(lambda found: _nothing(found[1], found[2]), detail)
    detail = _SECTION.sub(r"\1 is missing or empty; expected a mapping or a list", detail)
    detail = _MISSING.sub(r"\1 is missing", detail)
    detail = _UNSUPPORTED.sub(lambda found: _unsupported(found[1]), detail)
    return plain_types(detail)[:_LONGEST]


def _undefined(found: re.Match[str]) -> str:
    member, value = found[1], found[2]
    if member == "class":
        return f"class is '{value}', which is not known here"
    if member == "run":
        return (
            f"run is '{value}', but the package has no such file, and this server no such process; send all files "
            "that it refers to with it"
        )
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
