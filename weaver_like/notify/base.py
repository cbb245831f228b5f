"""Interface of notifiers."""

from abc import ABC, abstractmethod


class Notifier(ABC):
    """Any thread may call."""

    @abstractmethod
    def check(self, uri: str) -> None:
        """Refuse an address that cannot be used. Raises: FetchFailed."""

    @abstractmethod
    def send(self, uri: str, body: bytes, media_type: str) -> str | None:
        """Deliver; None if the subscriber took it, else why it did not."""
