"""The plugin that the faults need, and the notes that its jobs leave."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.plugin_makers import source


def write_plugin(folder: Path) -> None:
    """Put the plugin into the data folder of a server that has not started yet."""
    for name in ("plugins", "family"):
        (folder / name).mkdir(parents=True)
    (folder / "plugins" / "faults.py").write_text(source("faults"))


@dataclass(frozen=True)
class Note:
    """An attempt that came to its end. at: seconds since 1970."""

    job_id: str
    attempt: int
    at: float


def notes_of(folder: Path) -> list[Note]:
    """What `note` left, oldest first."""
    path = folder / "notes.txt"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [Note(name[:36], int(name[37:]), float(at)) for name, at in lines]
