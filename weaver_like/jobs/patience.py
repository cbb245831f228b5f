"""`patiently`: retries while the store is away, so that finished work is not lost."""

import time
from collections.abc import Callable
from typing import TypeVar

from weaver_like.domain.errors import Unavailable

Answer = TypeVar("Answer")
#: How long to retry keeping a finished job while the store is unavailable.
_PATIENCE_S = 300.0
_PAUSE_S = 0.5


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Repeat a request to the store, which must be safe to repeat, while the store is away.

    Raises: Unavailable, if it stays away.
    """
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)
