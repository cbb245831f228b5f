"""Pages of lists that are read newest first."""

from dataclasses import dataclass
from urllib.parse import urlencode

from pyramid.request import Request


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: behind the record of this key (`Job.key`, `Schedule.key`)."""

    created: int
    id: str

    @property
    def text(self) -> str:
        return f"{self.created}.{self.id}"

    @staticmethod
    def key_of(text: str | None) -> tuple[int, str] | None:
        """The key in a cursor that was checked; None at the beginning of a list."""
        if text is None:
            return None
        created, _, record_id = text.partition(".")
        return int(created), record_id


def page_url(request: Request, name: str, cursor: str | None) -> str:
    """The address of a page of the list at `/name`, with the parameters of the request but those that say which page, and how."""
    kept = {key: value for key, value in request.GET.items() if key not in ("f", "cursor")}
    if cursor:
        kept["cursor"] = cursor
    query = f"?{urlencode(kept)}" if kept else ""
    return f"{request.urls.base}/{name}{query}"
