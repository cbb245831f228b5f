"""How settings are read. Later wins: defaults, ini file, environment, command line."""

import configparser
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

from weaver_like.domain.errors import SettingError
from weaver_like.settings.settings import Settings

PREFIX = "weaver_like"
_ENVIRONMENT_PREFIX = PREFIX.upper() + "_"
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
#: Numbers from here on are not exact in JSON.
_TOO_LARGE = 2**53


def declared() -> Iterator[tuple[str, Field[Any]]]:
    """Yield every setting as (`section.name`, its field)."""
    for section in fields(Settings):
        # The annotations of Settings are classes, not text.
        for entry in fields(section.type):  # type: ignore[arg-type]
            yield f"{section.name}.{entry.name}", entry


def dump(settings: Settings) -> dict[str, str]:
    """Every setting as a text that `load` takes, e.g. to hand them to another process."""
    texts = {}
    for name, _ in declared():
        section, _, key = name.partition(".")
        texts[name] = str(getattr(getattr(settings, section), key))
    return texts


def load(
    ini: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
    pairs: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings.

    Args:
        ini: file with lines `weaver_like.section.name = value` in any section.
        overrides: texts "section.name=value".
        pairs: "weaver_like.section.name" -> value, e.g. what PasteDeploy hands over.
    Raises: SettingError, naming the setting, if it is unknown or its value is not allowed.
    """
    given: dict[str, str] = {}
    if ini:
        given.update(_from_ini(ini))
    given.update(_from_pairs(pairs or {}))
    given.update(_from_environment(environment or {}))
    given.update(_from_overrides(overrides))
    if ini:  # it may hold passwords
        hidden = [given.get("sandbox.hidden", ""), str(ini.expanduser().resolve())]
        given["sandbox.hidden"] = ":".join(path for path in hidden if path)
    return _build(given)


def _from_ini(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise SettingError(f"Cannot read the configuration file {path}: {error}") from error
    found = {}
    for section in sorted(parser.sections()):
        found.update(_from_pairs(parser[section]))
    return found


def _from_pairs(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs that are our settings, without their prefix."""
    start = PREFIX + "."
    return {name.removeprefix(start): value for name, value in pairs.items() if name.startswith(start)}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {_ENVIRONMENT_PREFIX + name.replace(".", "_").upper(): name for name, _ in declared()}
    found = {}
    for variable, value in environment.items():
        if not variable.startswith(_ENVIRONMENT_PREFIX):
            continue
        if variable not in known:
            raise SettingError(
                f"The environment variable {variable} is not a setting. `weaver-like settings` lists all settings."
            )
        found[known[variable]] = value
    return found


def _from_overrides(overrides: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"Expected section.name=value, got '{text}'.")
        found[name.strip()] = value
    return found


def _build(given: Mapping[str, str]) -> Settings:
    entries = dict(declared())
    changes: dict[str, dict[str, Any]] = {}
    for name, text in given.items():
        if name not in entries:
            raise SettingError(f"Unknown setting '{name}'. `weaver-like settings` lists all settings.")
        section, _, key = name.partition(".")
        changes.setdefault(section, {})[key] = _parse(name, entries[name], text)
    settings = Settings()
    sections = {name: replace(getattr(settings, name), **values) for name, values in changes.items()}
    return replace(settings, **sections)


def _parse(name: str, entry: Field[Any], text: str) -> object:
    """Read the text of one setting, and check the value against what was declared. Raises: SettingError."""
    parse, kind = _PARSERS[entry.type]
    try:
        value = parse(text.strip())
    except ValueError as error:
        raise SettingError(f"Setting '{name}': expected {kind}, got '{text}'.") from error
    choices = entry.metadata["choices"]
    if choices and value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise SettingError(f"Setting '{name}': expected one of {known}, got '{text}'.")
    if entry.type in (int, float):
        _check_range(name, value, entry.metadata["minimum"])
    return value


def _check_range(name: str, value: Any, minimum: int) -> None:
    """Raises: SettingError; also for NaN and infinity."""
    if value >= _TOO_LARGE:
        raise SettingError(f"Setting '{name}': expected less than {_TOO_LARGE}, got {value}.")
    if not value >= minimum:
        raise SettingError(f"Setting '{name}': expected at least {minimum}, got {value}.")


def _parse_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text.lower()]


#: Type of a setting -> its parser, and its name in messages.
_PARSERS: dict[Any, tuple[Callable[[str], object], str]] = {
    bool: (_parse_boolean, "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a text"),
    Path: (Path, "a path"),
}
