"""An OGC API - Processes server on Pyramid."""

__version__ = "0.1.0"
