"""Beside a database that works for others on the same machine a paced scan takes little of the processor."""

import psycopg
from source_targets import Database, Open, asset_of

from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import Connector, SourceAccess
from cluster.connectors.pace import EASED_SHARE, Pace, Pacer
from cluster.connectors.postgres.neighbours import BUSY, LOOK_SECONDS, Neighbours
from cluster.connectors.postgres.wire import PacedConnection


def paced(url: str) -> Connector:
    parts = split_url(url)
    access = SourceAccess(source_id="s", url=parts.url, options=parts.options)
    return open_connector(access, parts.credential, Pacer(Pace(queries_per_second=1000)))


def test_work_of_others_is_seen_and_its_end_too_within_one_read(database: Database) -> None:
    database.run("CREATE TABLE t (id int)", "INSERT INTO t SELECT generate_series(1, 2000)")
    connector, clock = paced(database.url), [0.0]
    part = connector.plan(asset_of(connector, "public.t"), 1 << 19)[0]
    batches = connector.read(part, 100, 1 << 20)
    next(batches)  # its transaction is open from now on, in which a server tells the same counts again and again
    connection = vars(connector)["_session"].paced()
    assert isinstance(connection, PacedConnection)
    looking = Neighbours(connection, lambda: clock[0])
    assert looking.busy(), "nothing is known yet"
    with psycopg.connect(database.url, autocommit=True) as other:
        for _ in range(int(2 * BUSY * LOOK_SECONDS)):
            other.execute("SELECT 1")
        other.execute("SELECT pg_stat_force_next_flush()")
        clock[0] += LOOK_SECONDS
        assert looking.busy()
        clock[0] += LOOK_SECONDS / 2
        assert looking.busy(), "it is not looked at more often than that"
        clock[0] += LOOK_SECONDS
        assert not looking.busy()
    assert sum(batch.num_rows for batch in batches) == 1900
    connector.close()


def test_only_a_paced_scan_of_this_machine_is_eased(database: Database, opened: Open) -> None:
    slow = paced(database.url)
    assert (slow.ease(), opened(database.url).ease()) == (EASED_SHARE, 1.0)
    slow.close()
