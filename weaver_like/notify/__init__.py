"""Telling subscribers how a job goes."""
