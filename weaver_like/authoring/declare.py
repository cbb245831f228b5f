"""`@process`: from a typed function to its description."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from weaver_like.authoring.context import Context
from weaver_like.authoring.schema import plain_default, schema_of
from weaver_like.domain.ids import is_process_id
from weaver_like.domain.process import ExecutionUnit, InputDescription, JobControl, OutputDescription, Process

ATTRIBUTE = "__weaver_process__"


@dataclass(frozen=True)
class Input:
    """More about a parameter: `Annotated[float, Input(title="Distance", minimum=0)]`.

    minimum, maximum, pattern: as in JSON Schema.  media_types: of a `File`, the default one first.
    min_occurs, max_occurs: how often the input may come (max_occurs None: unbounded); beyond one the parameter is
    a list.
    schema: JSON Schema of one occurrence, instead of the one made from the annotation.
    """

    title: str | None = None
    description: str | None = None
    keywords: Sequence[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    media_types: Sequence[str] = ()
    min_occurs: int | None = None
    max_occurs: int | None = 1
    schema: dict[str, Any] | None = None

    def narrow(self, schema: dict[str, Any]) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum, "pattern": self.pattern}
        return schema | {key: value for key, value in bounds.items() if value is not None}


@dataclass(frozen=True)
class Output:
    """More about an output: `-> Annotated[File, Output(id="image", media_types=["image/png"])]`."""

    title: str | None = None
    description: str | None = None
    id: str = "output"
    media_types: Sequence[str] = ()
    schema: dict[str, Any] | None = None
    optional: bool = False


Marker = TypeVar("Marker", Input, Output)


@dataclass(frozen=True)
class Parameter:
    """One parameter of the function that is an input. kind: type of one occurrence, without `None` and `Annotated`."""

    name: str
    kind: object
    input: Input
    schema: dict[str, Any]
    has_default: bool


@dataclass(frozen=True)
class Declaration:
    """A function with all that is declared about it."""

    function: Callable[..., Any]
    process: Process
    parameters: dict[str, Parameter]
    output_kinds: dict[str, object]
    optional_outputs: frozenset[str] = field(default=frozenset())
    context_parameter: str | None = None
    single_output: bool = False


def process(
    function: Callable[..., Any] | None = None,
    *,
    id: str | None = None,
    title: str | None = None,
    version: str = "1.0.0",
    keywords: Sequence[str] = (),
    outputs: Mapping[str, object] | None = None,
    job_control: Sequence[str] = ("sync-execute", "async-execute", "dismiss"),
    time_limit_s: float = 0,
    memory_limit_bytes: int = 0,
    queue: str = "default",
) -> Callable[..., Any]:
    """Make a process of a typed function; its docstring is the description.

    id: else the function's name with "-" for "_".
    outputs: id -> type or `Annotated[type, Output(...)]`; the function then returns a dict. Without it the return
    annotation is the one output.
    queue: only workers of this queue run it (Celery).
    Raises: TypeError, ValueError, if the function cannot be described; the plugin is then listed with that error.
    """

    def declare(decorated: Callable[..., Any]) -> Callable[..., Any]:
        head = {
            "id": id or decorated.__name__.replace("_", "-"),
            "version": version,
            "keywords": tuple(keywords),
            "title": title,
            "description": inspect.getdoc(decorated),
            "job_control": tuple(JobControl(option) for option in job_control),
        }
        limits = {"time_limit_s": time_limit_s, "memory_limit_bytes": memory_limit_bytes, "queue": queue}
        setattr(decorated, ATTRIBUTE, _declare(decorated, head, limits, outputs))
        return decorated

    return declare(function) if function is not None else declare


def _declare(
    function: Callable[..., Any], head: dict[str, Any], limits: dict[str, Any], outputs: Mapping[str, object] | None
) -> Declaration:
    if not is_process_id(head["id"]):
        raise ValueError(f"Process id '{head['id']}' is not valid: letters, digits, '.', '_' and '-' are wanted.")
    if not is_process_id(limits["queue"]):
        raise ValueError(f"Queue '{limits['queue']}' is not valid: letters, digits, '.', '_' and '-' are wanted.")
    hints = typing.get_type_hints(function, include_extras=True)
    parameters, inputs, context = {}, {}, None
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints:
            raise TypeError(f"Parameter '{name}' of {function.__name__} has no type annotation.")
        if hints[name] is Context:
            context = name
            continue
        parameters[name], inputs[name] = _declare_input(parameter, hints[name])
    returned = hints.get("return", str)
    declared = {_marker(returned, Output).id: returned} if outputs is None else outputs
    described = {name: _declare_output(name, hint) for name, hint in declared.items()}
    unit = ExecutionUnit("", {"name": head["id"]}, **limits)
    return Declaration(
        function,
        Process(**head, unit=unit, inputs=inputs, outputs=described),
        parameters,
        {name: _bare(hint)[0] for name, hint in declared.items()},
        frozenset(name for name, hint in declared.items() if _marker(hint, Output).optional),
        context,
        outputs is None,
    )


def _declare_input(parameter: inspect.Parameter, hint: object) -> tuple[Parameter, InputDescription]:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise TypeError(f"Parameter '{parameter.name}': only named parameters can be inputs.")
    marker = _marker(hint, Input)
    kind, nullable = _bare(hint)
    repeated = marker.max_occurs is None or marker.max_occurs > 1
    if repeated:
        if typing.get_origin(kind) not in (list, Sequence, tuple):
            raise TypeError(f"Parameter '{parameter.name}' may come several times; list[...] is wanted.")
        kind = typing.get_args(kind)[0]
    schema = marker.schema or marker.narrow(schema_of(kind, marker.media_types))
    optional = parameter.default is not parameter.empty
    if marker.schema is None and optional and parameter.default is not None and not repeated:
        schema = schema | {"default": plain_default(parameter.default)}
    if marker.schema is None and nullable and parameter.default is not None and "type" in schema:
        schema = schema | {"nullable": True}
    least = marker.min_occurs if marker.min_occurs is not None else (0 if optional else 1)
    described = InputDescription(
        parameter.name, schema, marker.title, marker.description, tuple(marker.keywords), (), least, marker.max_occurs
    )
    if least == 0 and not optional and not repeated:
        raise TypeError(f"Parameter '{parameter.name}' may be left out (min_occurs=0), but has no default.")
    return Parameter(parameter.name, kind, marker, schema, optional), described


def _declare_output(name: str, hint: object) -> OutputDescription:
    marker = _marker(hint, Output)
    return OutputDescription(
        name, marker.schema or schema_of(_bare(hint)[0], marker.media_types), marker.title, marker.description
    )


def _marker(hint: object, kind: type[Marker]) -> Marker:
    found = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, kind)]
    return found[0] if found else kind()


def _bare(hint: object) -> tuple[object, bool]:
    """The type without `Annotated` and `| None`, and whether None was allowed."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return _bare(members[0])[0], True
    return hint, False
