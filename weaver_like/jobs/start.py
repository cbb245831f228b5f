"""Before the first job: wait for the store and bring it up to date."""

import logging
import threading

from weaver_like.domain.errors import Unavailable
from weaver_like.runtime import Runtime

log = logging.getLogger(__name__)
_LONGEST_PAUSE_S = 10.0


def prepare_store(rt: Runtime, stopped: threading.Event) -> bool:
    """Migrate the store, and wait for one that is away; False if told to stop before. Raises: SettingError."""
    pause_s = 0.5
    while True:
        try:
            rt.store.migrate()
            return True
        except Unavailable as error:
            log.warning("%s Next try in %g s.", error.detail, pause_s)
        if stopped.wait(pause_s):
            return False
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
