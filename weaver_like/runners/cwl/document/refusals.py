"""Why a package is refused: the long texts of cwltool and schema-salad as short sentences, each with the place that it is about."""

import re
from dataclasses import dataclass

_MOST = 50
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
#: Lines that only lead to what is said below them.
_LEADS = re.compile(
    r"^(checking (field|object|item)\b.*|Invalid|Warning:|tried .* but|Tool definition .* failed validation:|"
    r"Definition .* failed validation:|Expected one of|in |.* (is|are) (not valid|invalid) because)$"
)


class Refused(Exception):
    """The package cannot be run; the text says why. faults: [{"pointer": file:line:column or JSON pointer, "detail"}].  kind: of error."""

    def __init__(self, detail: str, pointer: str = "", kind: str = ""):
        super().__init__(detail)
        self.faults = [{"pointer": pointer, "detail": detail}] if pointer else []
        self.kind = kind


@dataclass
class _Reader:
    """place: of the last line that told one."""

    place: str = ""
    lead: bool = True

    def read(self, line: str, faults: list[dict]) -> None:
        mark = _MARK.match(line.strip())
        if mark:
            self.place = f"{mark['file']}:{mark['line']}:{mark['column']}"
            line = mark["text"]
        text = re.sub(r"^(\* |- )", "", line.strip()).removeprefix("Warning:").strip()
        field = _FIELD.match(text)
        if field:
            self.place = f"/{field['field']}"
        if not text or field or _LEADS.match(text):
            self.lead = self.lead or bool(text)
        elif self.lead or mark or line.strip().startswith(("* ", "- ")):
            faults.append({"pointer": self.place, "detail": text})
            self.lead = False
        elif faults:
            faults[-1]["detail"] += f" {text}"


def plain_types(text: str) -> str:
    """A message of a library with the names of types that a writer of YAML knows."""
    for pattern, word in _LIBRARY_TYPES:
        text = pattern.sub(word, text)
    return text


def faults_of(text: str) -> list[dict]:
    """The single faults of a text, in order, at most fifty, each once."""
    found: list[dict] = []
    reader = _Reader()
    for line in _COLOURS.sub("", text).splitlines():
        reader.read(re.sub(r"^\(\d+\) \([^)]*\) ", "", line), found)
    for fault in found:
        fault["detail"] = _short(fault["detail"])
    unique = {(fault["pointer"], fault["detail"]): fault for fault in found if fault["detail"]}
    return list(unique.values())[:_MOST]


def _short(detail: str) -> str:
    """What was got and what is expected, without the ways that were tried."""
    detail = re.split(r",? tried [^ ]*\.?\w*#", detail)[0].rstrip(" ,")
    detail = re.sub(r"^Field '(\w+)' contains undefined reference to '([^']*)'", _undefined, detail)
    detail = re.sub(
        r"^Field '(\w+)' references unknown identifier '([^']*)'", lambda found: _nothing(*found.groups()), detail
    )
    detail = re.sub(
        r'^"(\w+)" section is not valid\.?$', r"\1 is missing or empty; a mapping or a list is wanted", detail
    )
    detail = re.sub(r"^missing required field '?`?(\w+)`?'?", r"\1 is missing", detail)
    return plain_types(detail)[:500]


def _undefined(found: re.Match) -> str:
    field, value = found.groups()
    if field == "class":
        return f"class is '{value}', which is not known here"
    if field == "run":
        return f"run is '{value}', and the package has no such file; all files that it refers to are wanted with it"
    return _nothing(field, value)


def _nothing(field: str, value: str) -> str:
    """Of a type also what would be right: `str`, `integer` and `file` are what people write who know other languages."""
    known = f"; known are {', '.join(_TYPES)}" if field == "type" else ""
    return f"{field} is '{value}', and there is nothing of that name{known}"


def sentence(faults: list[dict]) -> str:
    """The first faults in one text."""
    shown = "; ".join(
        f"{fault['pointer']}: {fault['detail'].rstrip('.')}" if fault["pointer"] else fault["detail"].rstrip(".")
        for fault in faults[:3]
    )
    return shown + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "") + "."
