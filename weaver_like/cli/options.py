"""What commands share: the options for settings, and the report of errors."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from weaver_like import settings as settings_module
from weaver_like.domain.errors import WeaverError
from weaver_like.settings import Settings

_OPTIONS = [
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Ini file with lines weaver_like.section.name = value.",
    ),
    click.option(
        "--data", type=click.Path(file_okay=False, path_type=Path), help="Folder for everything that is kept."
    ),
    click.option(
        "--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="One setting; may be repeated."
    ),
]


@dataclass(frozen=True)
class SettingsOptions:
    """The settings options of a command, as they were given."""

    config: Path | None
    data: Path | None
    overrides: tuple[str, ...]

    def load(self, *more: str) -> Settings:
        """Read the settings; a bad one ends the command.

        more: "section.name=value" from the command's own options; `--set` wins over them.
        """
        given = [f"files.data_dir={self.data}"] if self.data else []
        with plain_errors():
            return settings_module.load(self.config, os.environ, [*given, *more, *self.overrides])

    def arguments(self, data_dir: Path) -> list[str]:
        """The same options for another command, with an explicit data folder."""
        words = ["--data", str(data_dir)]
        if self.config:
            words += ["--config", str(self.config)]
        for text in self.overrides:
            words += ["--set", text]
        return words


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for settings, passed as its first argument, a `SettingsOptions`."""

    @functools.wraps(command)
    def called(config: Path | None, data: Path | None, overrides: tuple[str, ...], **others: Any) -> None:
        command(SettingsOptions(config, data, overrides), **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the command with exit code 1 and the text of the error, one line for each fault."""
    try:
        yield
    except WeaverError as error:
        faults = [f"{fault.pointer}: {fault.detail}" for fault in error.faults if fault.pointer]
        raise click.ClickException("\n".join(faults) or error.detail) from error
