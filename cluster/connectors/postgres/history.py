"""The statements that a database ran, as its extension pg_stat_statements keeps them.

They have parameters for constants, but for the bodies of functions, and before PostgreSQL 16 for CREATE TABLE AS. What
fills no table stays where it is: CREATE ROLE and its like hold passwords.
"""

from typing import Final, NamedTuple

from psycopg import sql

from cluster.connectors.postgres.session import Session
from cluster.errors import SourceObjectGone

MOST: Final = 1_000
WHAT: Final = "the query history"
_PLACE = """
SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""
# Comments may stand in front, as tools put their names there. Longer texts are cut off by what takes them in.
_RAN = r"""
SELECT query FROM {} WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~* '^(\s|/\*([^*]|\*[^/])*\*/)*(insert|update|merge|with|create\s+(or\s+replace\s+)?'
    '((global|local|temp|temporary|unlogged|materialized|recursive)\s+)*(table|view|function|procedure))\y'
  AND length(query) <= 100000
GROUP BY query ORDER BY sum(calls) DESC, query LIMIT {}
"""
_HIDDEN = """
SELECT count(*) AS hidden FROM {} WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query = '<insufficient privilege>'
"""


class QueryHistory(NamedTuple):
    """Statements that may have filled tables, at most 1,000, the most often run first.

    `unreadable` counts those of other roles that the account may not read.
    """

    queries: tuple[str, ...]
    unreadable: int


def query_history(session: Session) -> QueryHistory:
    """What the database keeps. Raises SourceObjectGone where it keeps nothing, SourceError where it does not tell."""
    places = session.rows(_PLACE, (), WHAT)
    if not places:
        raise SourceObjectGone(
            "The database keeps no query history: it has no extension pg_stat_statements.",
            "Create the extension, or take the option query_history away.",
        )
    view = sql.Identifier(places[0]["schema"], "pg_stat_statements")
    ran = session.rows(sql.SQL(_RAN).format(view, sql.Literal(MOST)), (), WHAT)
    hidden = session.rows(sql.SQL(_HIDDEN).format(view), (), WHAT)
    return QueryHistory(tuple(row["query"] for row in ran), hidden[0]["hidden"])
