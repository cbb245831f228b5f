"""Stores on SQLAlchemy Core."""
