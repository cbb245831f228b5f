"""Coordinate reference systems."""

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
