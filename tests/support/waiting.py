"""Waiting for a state, with a limit; tests do not sleep."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], limit_s: float = 20, what: str = "the condition") -> object:
    """Wait for a state, with a limit; what the condition gave."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {limit_s} s")
