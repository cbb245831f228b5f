"""Telling subscribers about the state of a job."""
