"""The text of a document -> plain values, its size known before anything walks them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError
from schema_salad.utils import yaml_no_ts

from weaver_like.runners.cwl.document.refusals import Refused

#: Parts of a document, after its aliases are written out.
_MOST_PARTS, _DEEPEST = 200_000, 200
_TOO_DEEP = f"The document is nested deeper than {_DEEPEST}."


def parse_document(path: Path, name: str) -> Any:
    """The document as plain data. name: of the file, for messages.

    Raises: Refused, with line and column of what is not YAML.
    """
    yaml = yaml_no_ts()
    try:
        text = path.read_text(encoding="utf-8")
        yaml.Composer = BoundedComposer
        _check_size(yaml.compose(text))
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        pointer = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context).strip().rstrip(".")
        raise Refused(f"The document is neither JSON nor YAML: {pointer}: {problem}.", pointer) from error
    except UnicodeDecodeError as error:
        raise Refused(
            f"The document is not UTF-8 text: it has the byte {error.object[error.start]:#04x} at position "
            f"{error.start}.",
            f"{name}:1:1",
        ) from error
    except OSError as error:
        raise Refused(f"The package has no document '{name}'.") from error
    except ReaderError as error:
        raise Refused(
            f"The document has the character {error.character!r} at position {error.position}, which YAML does not "
            "allow.",
            f"{name}:1:1",
        ) from error
    except (YAMLError, ValueError, TypeError, OverflowError) as error:
        raise Refused(f"The document is neither JSON nor YAML: {str(error)[:300]}.", f"{name}:1:1") from error


class BoundedComposer(Composer):
    """Gives up on a document that is too large or too deep as soon as that shows, not after the rest was read."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._count = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._count += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Refused(_TOO_DEEP)
        if self._count > _MOST_PARTS:
            raise Refused(f"The document has more than {_MOST_PARTS} parts.")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def plain(value: object) -> Any:
    """Without ruamel's own types; keys are texts, as in JSON."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)


def _check_size(root: Node | None) -> None:
    """Raises: Refused, for a document that contains itself, or is too large when its aliases are written out."""
    weights: dict[int, int] = {}
    path: set[int] = set()

    def weigh(node: Node, depth: int) -> int:
        key = id(node)
        if key in path:
            raise Refused("The document contains itself: an alias refers to a part around it.")
        if depth > _DEEPEST:
            raise Refused(_TOO_DEEP)
        if key not in weights:
            path.add(key)
            weights[key] = 1 + sum(weigh(part, depth + 1) for part in _parts(node))
            path.discard(key)
        if weights[key] > _MOST_PARTS:
            raise Refused(f"The document has more than {_MOST_PARTS} parts when its aliases are written out.")
        return weights[key]

    if root is not None:
        weigh(root, 0)


def _parts(node: Node) -> Iterator[Node]:
    """What stands in a list or a mapping, keys too; nothing of a text."""
    if isinstance(node.value, str):
        return
    for part in node.value:
        if isinstance(part, tuple):
            yield from part
        else:
            yield part
