"""What runs every night in the demo's shop, and what it leaves behind: statements that ran, and an OpenLineage run.

The tables that it fills and the file that it writes are no part of the estate, whose contents are known beforehand:
`build_database` and `build_files` do not make them.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from cluster.connectors import dataset_name, namespace

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

EXPORT: Final = "exports/revenue_by_country.csv"
REVENUE: Final = "sales.v_revenue_by_country"
_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS mart;
CREATE TABLE IF NOT EXISTS mart.customer_value (customer_id bigint, name text, contact text, spent numeric);
CREATE TABLE IF NOT EXISTS mart.newsletter (reader_key text, country text);
TRUNCATE mart.customer_value, mart.newsletter;
"""
_FILLS: Final = (
    """INSERT INTO mart.customer_value (customer_id, name, contact, spent)
SELECT c.customer_id, c.full_name, c.email, sum(v.value)
FROM crm.customers c JOIN sales.v_order_value v ON v.customer_id = c.customer_id
GROUP BY c.customer_id, c.full_name, c.email""",
    """INSERT INTO mart.newsletter (reader_key, country)
SELECT md5(lower(email)), country FROM crm.v_customer_contact WHERE email IS NOT NULL""",
)
_EXPORTED: Final = "COPY (SELECT * FROM sales.v_revenue_by_country ORDER BY country) TO STDOUT (FORMAT csv, HEADER)"
_RAN: Final = "SELECT query FROM pg_stat_activity WHERE pid = %s"


def run_nightly(url: str, folder: Path) -> list[str]:
    """Fills the tables and writes the file; the statements that filled tables, as the server says that it ran them."""
    url = url.replace("postgresql+psycopg://", "postgresql://", 1)
    ran = []
    with psycopg.connect(url, autocommit=True) as job, psycopg.connect(url, autocommit=True) as watch:
        job.execute(_TABLES.encode())
        for statement in _FILLS:
            job.execute(statement.encode())
            ran += [str(row[0]) for row in watch.execute(_RAN, [job.info.backend_pid])]
        path = folder / EXPORT
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file, job.cursor().copy(_EXPORTED) as copy:
            for block in copy:
                file.write(block)
    return ran


def run_events(database: str, folder: str) -> "Iterator[RunEvent]":
    """What the job that writes the file says of its run: its start, and its end with what came from where.

    `database` and `folder` are the URLs of the two sources.
    """
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import column_lineage_dataset as columns

    place, view = namespace(database), dataset_name(database, REVENUE)
    copied = [columns.Transformation(type="DIRECT", subtype="IDENTITY")]
    fields = {
        name: columns.Fields(inputFields=[columns.InputField(place, view, name, transformations=copied)])
        for name in ("country", "orders", "revenue")
    }
    written = OutputDataset(
        namespace=namespace(folder), name=dataset_name(folder, EXPORT),
        facets={"columnLineage": columns.ColumnLineageDatasetFacet(fields=fields)},
    )  # fmt: skip
    run, job = Run(runId=str(uuid.uuid4())), Job(namespace="nightly", name="export_revenue")
    for state in (RunState.START, RunState.COMPLETE):
        yield RunEvent(
            eventType=state, eventTime=datetime.now(UTC).isoformat(), run=run, job=job,
            inputs=[InputDataset(namespace=place, name=view)], outputs=[written], producer="https://sextant.invalid/demo",
        )  # fmt: skip


def emit(url: str, token: str, events: "Iterator[RunEvent]") -> None:
    """Sends events by OpenLineage's own client, as any emitter does."""
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    config = HttpConfig(url=url, auth=ApiKeyTokenProvider({"apiKey": token}))
    client = OpenLineageClient(transport=HttpTransport(config))
    for event in events:
        client.emit(event)
