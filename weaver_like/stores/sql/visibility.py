"""Which rows a requester sees."""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, or_

from weaver_like.domain.requester import Requester
from weaver_like.stores.codec import visible_to


def seen(table: Table) -> ColumnElement[bool]:
    """A condition on the rows of a table with owners; its values are those of `seen_values`."""
    own = and_(table.c.owner == bindparam("requester"), table.c.owner != "")
    return or_(table.c.visibility.in_(bindparam("visibilities", expanding=True)), own)


def seen_values(requester: Requester) -> dict[str, Any]:
    """What `seen` compares with."""
    return {"requester": requester.id, "visibilities": visible_to(requester)}
