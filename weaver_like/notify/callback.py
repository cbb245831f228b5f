"""Callbacks: sends a POST to the subscriber's URIs."""

import urllib3

from weaver_like.domain.errors import FetchFailed
from weaver_like.egress.http import GuardedClient, reason_of
from weaver_like.notify.base import Notifier


class CallbackNotifier(Notifier):
    """Sends a POST to a URI of the subscriber.

    Source: OGC 18-062r2, requirements class "callback".
    """

    def __init__(self, client: GuardedClient):
        self._client = client

    def check(self, uri: str) -> None:
        self._client.guard.check_url(uri)

    def send(self, uri: str, body: bytes, media_type: str) -> str | None:
        try:
            answer = self._client.open("POST", uri, body=body, headers={"Content-Type": media_type})
            answer.drain_conn()
            answer.release_conn()
        except (FetchFailed, urllib3.exceptions.HTTPError) as error:
            return reason_of(error)
        if 200 <= answer.status < 300:
            return None
        return f"HTTP status {answer.status}"
