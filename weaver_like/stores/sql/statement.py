"""`Statement`: composed and compiled by SQLAlchemy once, then run on the driver's own cursor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Delete, Dialect, Insert, Select, Update, literal
from sqlalchemy.sql.compiler import SQLCompiler

#: A row as the driver gives it: read by position.
Row = tuple[Any, ...]
Values = Mapping[str, Any]
#: What the driver's cursor takes beside the text.
Parameters = Sequence[Any] | Mapping[str, Any]
_Converter = Callable[[Any], Any]
Clause = Select[*tuple[Any, ...]] | Insert | Update | Delete


def one_of(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column has one of some values that are always the same."""
    return column.in_([literal(value, column.type) for value in values])


class Statement:
    """A statement that runs often.

    To look a compiled statement up, and to wrap its rows, takes SQLAlchemy longer than it takes SQLite to run it.
    """

    def __init__(self, clause: Clause):
        self.clause = clause
        self._forms: dict[tuple[str, tuple[str, ...]], _Form] = {}

    def form(self, dialect: Dialect, values: Values) -> "_Form":
        """Its form for a database. values: of its parameters; of a change, they determine the columns that change."""
        key = dialect.name, tuple(values)
        found = self._forms.get(key)
        if found is None:
            found = self._forms[key] = _Form(self.clause, dialect, list(values))
        return found


class _Form:
    """A statement for one kind of database, and one set of parameters.

    Attributes:
        text: what is sent; empty if it depends on how many values a list among the parameters has.
    """

    def __init__(self, clause: Clause, dialect: Dialect, names: list[str]):
        compiled = clause.compile(dialect=dialect, column_keys=names)
        assert isinstance(compiled, SQLCompiler)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._compiled = compiled
        self._fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        self._to_driver = [(name, convert) for name, bind in binds.items() if (convert := _binding(bind, dialect))]
        self._from_driver = _result_converters(clause, dialect)
        self._names = tuple(binds if compiled.positiontup is None else compiled.positiontup)
        self._positional = compiled.positiontup is not None
        self.text = "" if compiled.post_compile_params else str(compiled)

    def sent(self, values: Values) -> tuple[str, Parameters]:
        """What the driver gets."""
        return (self.text, self.parameters(values)) if self.text else self._expanded(values)

    def parameters(self, values: Values) -> Parameters:
        """Values as the driver takes them."""
        named = {**self._fixed, **values}
        for name, convert in self._to_driver:
            named[name] = convert(named[name])
        if self._positional:
            return tuple([named[name] for name in self._names])
        return {name: named[name] for name in self._names}

    def _expanded(self, values: Values) -> tuple[str, Parameters]:
        """The text with a place for each value of its lists, and its parameters."""
        state = self._compiled.construct_expanded_state({**self._fixed, **values})
        named = dict(state.parameters)
        for name, convert in [*self._to_driver, *state.processors.items()]:
            if name in named:
                named[name] = convert(named[name])
        if state.positiontup is None:
            return state.statement, named
        return state.statement, tuple(named[name] for name in state.positiontup)

    def rows(self, found: list[Row]) -> list[Row]:
        """Rows of the driver with the values that were stored."""
        if not self._from_driver or not found:
            return found
        return [self._row(row) for row in found]

    def _row(self, row: Row) -> Row:
        values = list(row)
        for place, convert in self._from_driver:
            values[place] = convert(values[place])
        return tuple(values)


def _binding(bind: BindParameter[Any], dialect: Dialect) -> _Converter | None:
    convert: _Converter | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _result_converters(clause: Clause, dialect: Dialect) -> list[tuple[int, _Converter]]:
    found: list[tuple[int, _Converter]] = []
    for place, column in enumerate(clause.exported_columns):
        convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if convert is not None:
            found.append((place, convert))
    return found
