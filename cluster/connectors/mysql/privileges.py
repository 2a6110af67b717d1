"""What the account of a session may do, by SHOW GRANTS, which tells of the roles that are active too."""

import re

from cluster.connectors.mysql.session import Session

_GRANT = re.compile(r"GRANT (?P<what>.+?) ON (?:TABLE )?(?P<where>\*|`(?:[^`]|``)+`)\.(?P<table>\*|`(?:[^`]|``)+`) TO ")
_COLUMNS = re.compile(r"\([^)]*\)")
_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "TRIGGER", "EVENT", "FILE")


def granted(session: Session) -> list[tuple[set[str], str, str]]:
    """Privileges, the pattern of databases (`*` for all), and the table (`*` for all)."""
    found = []
    for row in session.rows("SHOW GRANTS", [], "the grants"):
        match = _GRANT.match(str(next(iter(row.values()))))
        if match:
            names = {name.strip().upper() for name in _COLUMNS.sub("", match["what"]).split(",")}
            found.append((names, _name(match["where"]), _name(match["table"])))
    return found


def reads_all(session: Session) -> bool:
    """Whether the account may read every table of the database, and so sees every one."""
    return any(
        names & {"SELECT", "ALL PRIVILEGES", "ALL"} and table == "*" and _covers(where, session.database)
        for names, where, table in granted(session)
    )


def writes(session: Session) -> list[str]:
    """Privileges to change something, which reading does not need."""
    found = {name for names, where, _ in granted(session) if _covers(where, session.database) for name in names}
    return ["ALL PRIVILEGES"] if "ALL PRIVILEGES" in found else [name for name in _WRITES if name in found]


def superuser(session: Session) -> bool:
    """Whether the account may do anything on the whole server."""
    return any(names & {"ALL PRIVILEGES", "SUPER"} and where == "*" for names, where, _ in granted(session))


def _name(text: str) -> str:
    return text if text == "*" else text[1:-1].replace("``", "`")


def _covers(pattern: str, database: str) -> bool:
    """Whether a database is meant: `%` and `_` in a grant stand for others unless a backslash is before them."""
    if pattern == "*":
        return True
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regex = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.fullmatch(regex, database, re.DOTALL) is not None
