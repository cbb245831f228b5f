"""Pages of lists that are read newest first."""

from dataclasses import dataclass
from urllib.parse import urlencode

from weaver_like.faces.request import Request


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the record with this key (`Job.key`, `Schedule.key`)."""

    created: int
    id: str

    @property
    def text(self) -> str:
        return f"{self.created}.{self.id}"

    @staticmethod
    def key_of(text: str | None) -> tuple[int, str] | None:
        """The key in a cursor that was checked; None for the first page."""
        if text is None:
            return None
        created, _, record_id = text.partition(".")
        return int(created), record_id


def page_url(request: Request, name: str, cursor: str | None) -> str:
    """The URL of a page of the list at `/name`: the filters of the request with another cursor, without the form."""
    parameters = [(key, value) for key, value in request.GET.items() if key not in ("f", "cursor")]
    if cursor:
        parameters.append(("cursor", cursor))
    url = f"{request.urls.base}/{name}"
    return f"{url}?{urlencode(parameters)}" if parameters else url
