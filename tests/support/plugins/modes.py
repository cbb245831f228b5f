"""Processes for the tests of execution modes."""

from weaver_like.authoring import process


@process(id="only-sync", job_control=["sync-execute"])
def only_sync(text: str = "x") -> str:
    """Give back the text."""
    return text


@process(id="only-async", job_control=["async-execute"])
def only_async(text: str = "x") -> str:
    """Give back the text."""
    return text
