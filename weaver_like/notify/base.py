"""Interface of notifiers."""

from abc import ABC, abstractmethod


class Notifier(ABC):
    """Delivers messages to subscribers. Any thread may call."""

    @abstractmethod
    def check(self, uri: str) -> None:
        """Refuse an address that cannot be used. Raises: FetchFailed."""

    @abstractmethod
    def send(self, uri: str, body: bytes, media_type: str) -> str | None:
        """Deliver a message; None if the subscriber accepted it, else why not."""
