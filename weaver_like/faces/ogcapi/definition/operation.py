"""`Operation`: one method on one path of the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.response import Response

from weaver_like.faces.ogcapi.answer import Document
from weaver_like.faces.ogcapi.documents.query import QuerySchema
from weaver_like.faces.request import Request

#: The parameters of a query string, as `parse_query` gives them.
Query = Mapping[str, Any]
#: What answers a request: with a document, which gets the form that the client asked for, or with a response as it is.
View = Callable[[Request, Query], Document | Response]


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table that makes both the routes and the API definition.

    Args:
        view: called with the request and its parsed query.
        query: the parameters that the resource takes; others are refused.
        answers: status -> name of the document's schema; a media type if there is a "/"; "package": what was deployed;
            "" without a body.
        errors: statuses of problem documents, besides those that every operation may have.
        body: name of the schema of what is sent; "" if the method has no body.
    """

    id: str
    method: str
    path: str
    summary: str
    view: View
    query: QuerySchema
    answers: dict[int, str]
    errors: tuple[int, ...] = ()
    tag: str = "Jobs"
    body: str = ""

    @property
    def negotiated(self) -> bool:
        """Whether every answer is a document: JSON or a page, chosen before the view is called."""
        return all(names_document(answer) for answer in self.answers.values())


def names_document(answer: str) -> bool:
    """Whether an entry of `Operation.answers` is the name of a document's schema."""
    return answer not in ("", "package") and "/" not in answer
