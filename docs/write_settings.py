"""Write config/weaver_like.ini and docs/settings.rst from what is declared: `python -m docs.write_settings`."""

import textwrap
from collections.abc import Iterator
from dataclasses import Field
from itertools import groupby
from pathlib import Path
from typing import Any

from weaver_like.settings import Settings, declared, shown_default

ROOT = Path(__file__).parents[1]
COLUMNS = 118


def sections() -> Iterator[tuple[str, str, list[Field[Any]]]]:
    """Yield every section: name, text, settings."""
    for name, entries in groupby(declared(), lambda entry: entry[0].partition(".")[0]):
        text = getattr(Settings(), name).__doc__
        yield name, text, [entry for _, entry in entries]


def render_ini() -> str:
    """Every setting, commented out, with its default and its text."""
    lines = [
        "# Settings of weaver-like. Later wins: this file, the environment (WEAVER_LIKE_SECTION_NAME),",
        "# the command line (--set section.name=value). Sizes are in bytes, times in seconds.",
        "# Remove the '#' in front of a line to change its setting.",
        "",
        "[app:main]",
        "use = egg:weaver-like",
    ]
    for section, text, entries in sections():
        lines += ["", f"# {text}", "#"]
        for entry in entries:
            lines += textwrap.wrap(entry.metadata["doc"], COLUMNS, initial_indent="# ", subsequent_indent="# ")
            lines.append(f"# weaver_like.{section}.{entry.name} = {shown_default(entry.default)}".rstrip())
    return "\n".join(lines) + "\n"


def render_rst() -> str:
    """The reference of settings."""
    lines = [
        "Settings",
        "========",
        "",
        "Each setting has one name, ``section.name``: ``weaver_like.section.name`` in an ini file,",
        "``WEAVER_LIKE_SECTION_NAME`` in the environment, ``--set section.name=value`` on the command line.",
        "Later wins. An unknown setting or a value that is not allowed stops the start; the message names the setting.",
        "",
    ]
    for section, text, entries in sections():
        lines += [section, "-" * len(section), "", text, ""]
        for entry in entries:
            default = shown_default(entry.default) or "empty"
            lines.append(f"``{section}.{entry.name}`` ({entry.type.__name__}, default ``{default}``)")
            lines += textwrap.wrap(entry.metadata["doc"], COLUMNS, initial_indent="    ", subsequent_indent="    ")
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "config" / "weaver_like.ini").write_text(render_ini(), "utf-8")
    (ROOT / "docs" / "settings.rst").write_text(render_rst(), "utf-8")
