"""Processes shipped with the service: a plugin folder like any other, offered when `processes.testing` is on."""
