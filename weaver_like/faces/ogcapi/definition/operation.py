"""`Operation`: one method on one path of the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import colander
from pyramid.request import Request
from pyramid.response import Response

from weaver_like.faces.ogcapi.answer import Document

#: The parameters of a query string, parsed.
Query = Mapping[str, Any]
#: What answers: a document, which gets the form that the client asked for, or a response of its own form.
View = Callable[[Request, Query], Document | Response]


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table that makes both the routes and the API definition.

    Args:
        view: called with the request and its parsed query.
        query: the parameters that are known; others are refused.
        answers: status -> name of the document's schema, or media type if there is a "/", or "" without body;
            "package": what was deployed.
        body: name of the schema of what is sent; "" if the method has no body.
    """

    id: str
    method: str
    path: str
    summary: str
    view: View
    query: colander.MappingSchema
    answers: dict[int, str]
    errors: tuple[int, ...] = ()
    tag: str = "Jobs"
    body: str = ""

    @property
    def negotiated(self) -> bool:
        """True if every answer is a document: JSON or a page, chosen before the view is called."""
        return all(what and "/" not in what and what != "package" for what in self.answers.values())
