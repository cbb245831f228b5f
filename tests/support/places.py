"""Folders of the project that tests look into."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
GEO = ROOT / "docs" / "examples" / "geo"
#: The plugin of the geospatial example, as the settings of a process name it.
GEO_PLUGIN = {"path": str(GEO / "plugins" / "geo")}
