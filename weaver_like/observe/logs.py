"""Logging of the server and its workers: lines with time, level and fields, secrets masked."""

import logging
import logging.handlers
from pathlib import Path

from weaver_like.domain.masks import mask


class _MaskingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def configure_logs(level: str, file: Path | None = None, console: bool = False) -> None:
    """Log to a rotating file, 10 MiB and five old ones, and to the console if it is the operator's."""
    formatter = _MaskingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handlers: list[logging.Handler] = [logging.StreamHandler()] if console else []
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(file, maxBytes=10 * 2**20, backupCount=5, encoding="utf-8", delay=True)
        )
    root = logging.getLogger()
    root.handlers.clear()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(level)
