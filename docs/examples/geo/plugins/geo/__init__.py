"""Geospatial processes: zonal-statistics, vector-buffer, hillshade.

A plugin may be one file or, as here, a package folder. The imports are relative, so that the package does not depend on
the name that the server loads it under.
"""

from .buffering import vector_buffer
from .relief import hillshade
from .zonal import zonal_statistics

__all__ = ["hillshade", "vector_buffer", "zonal_statistics"]
