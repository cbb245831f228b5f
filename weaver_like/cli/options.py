"""The options of every command that works with the settings."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from weaver_like import settings as settings_module
from weaver_like.domain.errors import WeaverError
from weaver_like.settings import Settings

_OPTIONS = [
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Ini file with weaver_like.section.name lines.",
    ),
    click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that is kept."),
    click.option(
        "--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="One setting; may be repeated."
    ),
]


def with_settings(command: Callable) -> Callable:
    """Gives a command the parameters `config`, `data` and `overrides`, for `load_settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def load_settings(config: Path | None, data: Path | None, overrides: tuple[str, ...], *more: str) -> Settings:
    """more: settings of options of the command's own. A bad setting ends the command."""
    given = [f"files.data_dir={data}"] if data else []
    try:
        return settings_module.load(config, os.environ, [*given, *more, *overrides])
    except WeaverError as error:
        raise click.ClickException(error.detail) from error
