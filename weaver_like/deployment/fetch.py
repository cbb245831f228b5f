"""Fetching the documents that packages refer to."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from weaver_like.domain.errors import FetchFailed
from weaver_like.fetchers.base import Fetcher, FetchLimits
from weaver_like.files.stage import find_fetcher


@dataclass(frozen=True, slots=True)
class DocumentFetcher:
    """Fetches over http(s) only. folder: for what is on its way.  most_bytes: of a document (limits.package_bytes)."""

    fetchers: Mapping[str, Fetcher]
    folder: Path
    most_bytes: int

    def fetch(self, url: str) -> str:
        """The text of a document. Raises: FetchFailed, also for addresses that nobody may reach from here."""
        if not url.startswith(("http://", "https://")):
            raise FetchFailed(
                f"'{url[:200]}' is refused: packages may only refer to their own files and to http(s) addresses."
            )
        target = self.folder / f"document-{uuid.uuid4()}"
        try:
            find_fetcher(self.fetchers, url).fetch(url, target, FetchLimits(self.most_bytes, _proceed))
            return target.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise FetchFailed(f"'{url[:200]}' is not UTF-8 text.") from error
        finally:
            target.unlink(missing_ok=True)


def _proceed() -> None:
    """Nobody stops a deployment half way."""
