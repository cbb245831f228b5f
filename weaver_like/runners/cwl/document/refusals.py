"""Why a package is refused: the long texts of cwltool and schema-salad as short sentences, each with its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from weaver_like.domain.errors import Fault

_MOST_FAULTS, _LONGEST = 50, 500
_TYPES = ("null", "boolean", "int", "long", "float", "double", "string", "File", "Directory", "Any")
_MARK = re.compile(r"^(?P<file>[^\s:][^:\n]*?):(?P<line>\d+):(?P<column>\d+):\s?(?P<text>.*)$")
#: Where in a document something is: each line of it goes one deeper.
_FIELD = re.compile(r"^Validation error in (?:field|position) (?P<field>\w+):\s*")
#: What means nothing to a writer of YAML: types of the libraries, by its own words; names that they made up; what they
#: print of their own objects; the steps on the way to what is wrong.
_LIBRARY = tuple(
    (re.compile(pattern, re.DOTALL), word)
    for pattern, word in (
        (r"\b(Union item|Items schema.*?|Type property.*?) (must be|not) a valid Avro schema: ", ""),
        (r"Could not make an Avro Schema object from (\S+?)\.?$", r"there is no type '\1' here"),
        (r"; \{'type'.*", ""),
        (r"<[^<>]*\bat 0x[0-9a-f]+>", "something else"),
        (r"\b0x[0-9a-f]{6,}\b", ""),
        (r"not a valid \w*[0-9a-f]{40}\b", "not right here"),
        (r"\b[\w.]*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "a type without a name"),
        (r"<class '(?:[\w.]*\.)?(\w+)'>", r"\1"),
        (r"\b(?:ruamel|schema_salad|cwltool|cwl_utils)(?:\.\w+)*\.(\w+)", r"\1"),
        (r"\bordereddict\(.*", "something else"),
        (r"\borg\.w3id\.cwl\.(cwl|salad)\.", ""),
        (r"\b(CommentedMap|MutableMapping|dict)\b", "mapping"),
        (r"\b(CommentedSeq|MutableSequence)\b", "list"),
        (r"\b\w*ScalarString\b", "text"),
        (r"\bScalar(Float|Int)\b|\b(Hex|Octal|Binary|HexCaps)Int\b", "number"),
        (r"\bScalarBoolean\b", "boolean"),
        (r"\b(is|got)(?: an?)? (?:int|float)\b", r"\1 a number"),
        (r"\b(is|got)(?: an?)? bool\b", r"\1 a boolean"),
        (r"\b(is|got)(?: an?)? str\b", r"\1 a text"),
        (r"\b(NoneType|None)\b", "null"),
    )
)
#: Words of Python about itself, which say nothing about a document.
_OF_PYTHON = re.compile(r"'\w+' object |indices must be|object expected; got|unexpected keyword|positional argument")
_NO_FORM = "this does not have the form of CWL"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: How cwltool numbers lines, and says where it is.
_NUMBERING = re.compile(r"\(\d{6,}\) \([^)]*\) ?")
#: Lines that only lead to what is said below them.
_LEADS = re.compile(
    r"^(checking (field|object|item)\b.*|Invalid|Warning:|tried .* but|Tool definition .* failed validation:|"
    r"Definition .* failed validation:|Expected one of|in |.* (is|are) (not valid|invalid) because)$"
)
#: One of several types that something may have did not fit.
_ATTEMPT = re.compile(r"^tried .* but$")
#: It was not even of that kind: what else is wrong with it there says nothing.
_OTHER_KIND = re.compile(r"^the value '(record|enum|array)' is not a valid \w+, expected '(record|enum|array)'")
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
class _Said:
    """One fault as it is read. attempt: number of the type that was tried."""

    place: str
    text: str
    attempt: int


@dataclass
class _Reader:
    """Reads the lines of a message one after the other.

    place: of the last line that told one.  leading: the next line begins a fault.  listing: within a list of all that
    could stand in a place.
    """

    said: list[_Said] = field(default_factory=list)
    place: str = ""
    leading: bool = True
    listing: bool = False
    attempt: int = 0

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
            self.attempt += not self.listing
            return
        text, deeper = self._place_told(text)
        if not text or _LEADS.match(text):
            self.leading = self.leading or bool(text) or deeper
            self.attempt += bool(_ATTEMPT.match(text))
        elif self.leading or mark or is_item:
            self.said.append(_Said(self.place, text, self.attempt))
            self.leading = False
        elif self.said:
            self._go_on(text)

    def _place_told(self, text: str) -> tuple[str, bool]:
        """The rest of a line that tells a place. The first one is a pointer; what lies deeper is not counted there."""
        deeper = False
        while found := _FIELD.match(text):
            if not self.place:
                self.place = f"/{found['field']}"
            text, deeper = text[found.end() :], True
        return text, deeper

    def _go_on(self, text: str) -> None:
        """A further line of what was said last, which may turn out to lead only to the next one."""
        last = self.said[-1]
        last.text = f"{last.text} {text}"
        if _ATTEMPT.match(last.text):
            self.said.pop()
            self.leading = True
            self.attempt += 1


def without_libraries(text: str) -> str:
    """A message of a library in words that a writer of YAML knows: without its classes and its made-up names."""
    for pattern, word in _LIBRARY:
        text = pattern.sub(word, text)
    return text


def faults_of(text: str) -> tuple[Fault, ...]:
    """The single faults of a text, in order, at most fifty, each once."""
    reader = _Reader()
    for line in _COLOURS.sub("", text).splitlines():
        reader.read(_NUMBERING.sub("", line))
    other_kinds = {said.attempt for said in reader.said if _OTHER_KIND.match(said.text)}
    meant = [said for said in reader.said if said.attempt not in other_kinds] or reader.said
    told = _without_alternatives([(said.place, said.text) for said in meant])
    faults = (Fault(pointer, _shortened(detail)) for pointer, detail in told)
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
    if _OF_PYTHON.search(detail):
        return _NO_FORM
    return without_libraries(detail)[:_LONGEST]


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
