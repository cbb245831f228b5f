"""Rows of the report, and the table that they make."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = ("what", "measured", "baseline", "ratio", "bar", "met", "how")


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit of a row: of its value or, if `of_ratio`, of its ratio to the baseline."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def met(self, value: float, ratio: float | None) -> bool:
        number = ratio if self.of_ratio else value
        if number is None:
            return False
        return number >= self.limit if self.at_least else number <= self.limit

    def text(self, unit: str) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:g}{'x' if self.of_ratio else ' ' + unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. baseline: in the same unit, from the same run.
    baseline_name: what it is.  how: n, p95 and the like."""

    what: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    bar: Bar | None = None
    how: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """None if there is no bar."""
        return self.bar.met(self.value, self.ratio) if self.bar else None

    def cells(self) -> tuple[str, ...]:
        baseline = "" if self.baseline is None else f"{number(self.baseline)} {self.unit} ({self.baseline_name})"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return (
            self.what,
            f"{number(self.value)} {self.unit}",
            baseline,
            ratio,
            self.bar.text(self.unit) if self.bar else "",
            met,
            self.how,
        )


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values: Sequence[float], unit: str = "") -> str:
    """How a median came to be: p95 and n."""
    return f"p50; p95 {number(percentile(values, 95))}{' ' + unit if unit else ''}, n={len(values)}"


def timed_row(
    what: str,
    seconds: Sequence[float],
    baseline_s: Sequence[float] | None = None,
    baseline_name: str = "",
    bar: Bar | None = None,
) -> Row:
    """A row of medians in milliseconds."""
    times_ms = [value * 1e3 for value in seconds]
    baseline_ms = statistics.median(baseline_s) * 1e3 if baseline_s else None
    return Row(what, statistics.median(times_ms), "ms", baseline_ms, baseline_name, bar, spread(times_ms))


def text_table(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([drawn[0], "  ".join("-" * width for width in widths), *drawn[1:]])


def rst_table(rows: Sequence[Row], title: str) -> str:
    """The table as a reStructuredText list-table."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for cells in (COLUMNS, *(row.cells() for row in rows)):
        for place, cell in enumerate(cells):
            text = cell.replace("*", "\\*")
            lines.append(f"   {'* -' if place == 0 else '  -'} {text}".rstrip())
    return "\n".join(lines)
