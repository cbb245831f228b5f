"""SqlLeaders: roles, each held by at most one of all processes on a store."""

from datetime import UTC, datetime

from sqlalchemy import bindparam, exists, insert, literal, or_, select, update

from weaver_like.domain.job import micros_of
from weaver_like.stores.base import Leaders
from weaver_like.stores.sql.database import SqlDatabase
from weaver_like.stores.sql.failures import Duplicate, repeated
from weaver_like.stores.sql.statement import Statement
from weaver_like.stores.sql.tables import leaders

_ROLE = bindparam("the_role", type_=leaders.c.role.type)
_HOLDER = bindparam("by", type_=leaders.c.holder.type)
_UNTIL = bindparam("end", type_=leaders.c.until.type)
_TAKE = Statement(
    update(leaders)
    .where(leaders.c.role == _ROLE, or_(leaders.c.holder == _HOLDER, leaders.c.until < bindparam("now")))
    .values(holder=_HOLDER, until=_UNTIL)
)
#: Inserts nothing where there is a holder, instead of failing: PostgreSQL writes every failure into its log.
_TAKE_FIRST = Statement(
    insert(leaders).from_select(
        ["role", "holder", "until"],
        select(_ROLE, _HOLDER, _UNTIL).where(~exists(select(literal(1)).where(leaders.c.role == _ROLE))),
    )
)


class SqlLeaders(Leaders):
    """A row for each role that was ever taken."""

    def __init__(self, database: SqlDatabase):
        self._database = database

    @repeated
    def take(self, role: str, holder: str, until: datetime) -> bool:
        names = {"the_role": role, "by": holder, "end": micros_of(until)}
        with self._database.single() as connection:
            if connection.change(_TAKE, names | {"now": micros_of(datetime.now(UTC))}) == 1:
                return True
        try:
            with self._database.single() as connection:
                return connection.change(_TAKE_FIRST, names) == 1
        except Duplicate:  # another process was first
            return False
