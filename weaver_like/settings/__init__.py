"""Every setting, declared once, and read once at the start."""

from weaver_like.settings.reading import PREFIX, declared, dump, load
from weaver_like.settings.sections import CelerySettings, EngineSettings, ServerSettings, shown_default
from weaver_like.settings.settings import Settings

__all__ = [
    "PREFIX",
    "CelerySettings",
    "EngineSettings",
    "ServerSettings",
    "Settings",
    "declared",
    "dump",
    "load",
    "shown_default",
]
