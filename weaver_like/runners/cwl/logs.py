"""What cwltool says while it runs: warnings are worth keeping, and the first error may be the reason of a failure."""

import logging
import os
from typing import TextIO

from cwltool.errors import WorkflowException
from schema_salad.exceptions import ValidationException

_LONGEST = 4000


class FirstError(logging.StreamHandler[TextIO]):
    """Keeps the first error that cwltool tells, and the first warning: where no command failed, it is the reason."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[int, str] = {}

    @property
    def text(self) -> str:
        return self._first[max(self._first)] if self._first else ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() if error is None else str(error)
        self._first.setdefault(record.levelno, text.strip()[:_LONGEST])
        if isinstance(error, (WorkflowException, ValidationException)):
            # A mistake of the package: lines of cwltool's code say nothing of it.
            record.exc_info = None
            record.exc_text = None
        super().emit(record)


def listen(level: int = logging.WARNING) -> FirstError:
    """cwltool says a line for each thing that it does; only those of this level and above are heard."""
    handler = FirstError()
    os.environ.setdefault("PATH", os.defpath)
    for name in ("cwltool", "salad", "rdflib"):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers = [handler]
        logger.propagate = False
    # It tells each expression that fails with a traceback, and raises the same.
    logging.getLogger("cwl_utils").setLevel(logging.CRITICAL)
    return handler
