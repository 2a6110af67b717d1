"""Whether others work with a database just now, by the server's own count of their transactions."""

import time
from collections.abc import Callable

from psycopg import sql

from cluster.connectors.postgres.wire import PacedConnection

LOOK_SECONDS = 1.0  # between two looks; a server tells its counts about once a second
BUSY = 10.0  # transactions a second; a scan makes one for a partition
_COUNT = sql.SQL(
    "SELECT pg_stat_clear_snapshot(), pg_stat_get_db_xact_commit(oid) + pg_stat_get_db_xact_rollback(oid)"
    " FROM pg_database WHERE datname = current_database()"
)  # what was told is kept until the end of the transaction, unless it is thrown away


class Neighbours:
    """Looks now and then, over the connection by which rows are read."""

    def __init__(self, connection: PacedConnection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self._seen: tuple[float, int] | None = None
        self._busy = True  # until it is known better

    def busy(self) -> bool:
        """Whether they made `BUSY` transactions a second or more between the last two looks. Raises psycopg.Error."""
        now = self._clock()
        if self._seen is None or now - self._seen[0] >= LOOK_SECONDS:
            count = int(self._connection.asked(_COUNT).get_value(0, 1) or 0)
            if self._seen is not None:
                self._busy = (count - self._seen[1]) / (now - self._seen[0]) >= BUSY
            self._seen = now, count
        return self._busy
