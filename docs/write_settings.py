"""Write config/weaver_like.ini and docs/settings.rst from weaver_like/settings.py: `python -m docs.write_settings`."""

from dataclasses import fields
from pathlib import Path

from weaver_like.settings import Settings, shown_default

ROOT = Path(__file__).parents[1]


def render_ini() -> str:
    """Every setting, commented out, with its default and its line of documentation."""
    lines = [
        "# Settings of weaver-like. Later wins: this file, the environment (WEAVER_LIKE_SECTION_NAME), "
        "--set section.name=value.",
        "# Sizes are bytes, times seconds. A line without '#' in front takes effect.",
        "",
        "[app:main]",
        "use = egg:weaver-like",
    ]
    for section in fields(Settings):
        lines += ["", f"# {section.type.__doc__}"]
        for entry in fields(section.type):
            lines += [
                f"# {entry.metadata['doc']}",
                f"# weaver_like.{section.name}.{entry.name} = {shown_default(entry.default)}",
            ]
    return "\n".join(lines) + "\n"


def render_rst() -> str:
    """The reference of settings."""
    lines = [
        "Settings",
        "========",
        "",
        "Each setting has one name, ``section.name``: ``weaver_like.section.name`` in an ini file,",
        "``WEAVER_LIKE_SECTION_NAME`` in the environment, ``--set section.name=value`` on the command line; "
        "later wins.",
        "An unknown or ill-typed setting stops the start with a message that names it.",
        "",
    ]
    for section in fields(Settings):
        lines += [section.name, "-" * len(section.name), "", section.type.__doc__, ""]
        for entry in fields(section.type):
            default = shown_default(entry.default) or "empty"
            lines += [
                f"``{section.name}.{entry.name}`` ({entry.type.__name__}, default ``{default}``)",
                f"    {entry.metadata['doc']}",
                "",
            ]
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "config" / "weaver_like.ini").write_text(render_ini(), "utf-8")
    (ROOT / "docs" / "settings.rst").write_text(render_rst(), "utf-8")
