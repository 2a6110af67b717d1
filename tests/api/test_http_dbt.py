"""dbt itself, run by OpenLineage's own wrapper on a real PostgreSQL, told to send its events here.

In a virtual environment of its own: `pip install openlineage-dbt dbt-postgres 'dbt-core<1.11'`; then
`LONG_TESTS=1 DBT_OL=/that/bin/dbt-ol pytest tests/api/test_http_dbt.py`. With `RECORD=1` the events are kept as
`tests/lineage/events/dbt.jsonl`, which `tests/store/test_catalog_openlineage.py` replays.
"""

import json
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from actors.catalog.contract import RecordInventory, SourceRef
from actors.catalog.tables import LineageEvent
from cluster.connectors import namespace, open_connector
from cluster.connectors.interface import SourceAccess

DBT_OL = os.environ.get("DBT_OL") or shutil.which("dbt-ol")
LINEAGE = Path(__file__).parents[1] / "lineage"
EVENTS = LINEAGE / "events" / "dbt.jsonl"
PROFILE = """
shop:
  target: test
  outputs:
    test: {{type: postgres, host: {host}, port: {port}, user: {user}, password: "{password}", dbname: {name},
      schema: shop, threads: 1}}
"""

pytestmark = pytest.mark.skipif(
    "LONG_TESTS" not in os.environ or DBT_OL is None, reason="needs dbt-ol (see above): make nightly"
)


def built(command: str, folder: Path, instance: Any) -> None:
    environment = {
        "PATH": f"{Path(str(DBT_OL)).parent}:{os.environ['PATH']}",
        "HOME": str(folder), "DBT_PROFILES_DIR": str(folder),
        "OPENLINEAGE_URL": instance.url, "OPENLINEAGE_API_KEY": instance.tokens["steward"],
        "OPENLINEAGE_NAMESPACE": "dbt", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }  # fmt: skip
    done = subprocess.run(
        [str(DBT_OL), command, "--project-dir", str(folder)],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_what_dbt_ran_comes_out_as_lineage_to_the_column(
    instance: Any, admin: httpx.Client, store: Engine, empty_database_url: str, tmp_path: Path
) -> None:
    place, folder = make_url(empty_database_url), tmp_path / "shop"
    shutil.copytree(LINEAGE / "dbt_project", folder)
    profile = PROFILE.format(
        host=place.host, port=place.port, user=place.username, password=place.password, name=place.database
    )
    (folder / "profiles.yml").write_text(profile)
    for command in ("seed", "run", "test"):
        built(command, folder, instance)
    catalogued(instance, place)
    assets = {one["path"]: one["id"] for one in admin.get("/api/v1/assets?source_id=dbt").json()["items"]}
    view = admin.get(f"/api/v1/assets/{assets['shop.customer_value']}/lineage?direction=up&depth=5").json()
    names = {identifier: path for path, identifier in assets.items()}
    found = {
        (f"{names[edge['from_asset']]}.{edge['from_column']}", f"{names[edge['to_asset']]}.{edge['to_column']}")
        for edge in view["edges"]
        if edge["from_asset"] in names
    }
    if os.environ.get("RECORD"):
        record(store, place)
    assert ("shop.raw_orders.amount", "shop.stg_orders.amount") in found
    assert ("shop.stg_orders.amount", "shop.customer_value.spent") in found
    assert ("shop.raw_customers.last_name", "shop.stg_customers.full_name") in found


def catalogued(instance: Any, place: URL) -> None:
    """Takes the inventory of the database after dbt has told of it."""
    access = SourceAccess(source_id="dbt", url=f"postgresql://{place.host}:{place.port}/{place.database}")
    connector = open_connector(access, {"username": str(place.username), "password": str(place.password)})
    with closing(connector):
        found = connector.enumerate()
    reference = SourceRef(id="dbt", name="dbt", kind="postgresql", namespace=namespace(access.url), url=access.url)
    instance.groups.carry_out(RecordInventory(source=reference, assets=tuple(found.assets), complete=True))


def record(store: Engine, place: URL) -> None:
    """Keeps the events in the order in which they arrived, one a line; the database is called shop at db.example."""
    with Session(store) as session:
        bodies = list(session.scalars(select(LineageEvent.body).order_by(LineageEvent.received_at, LineageEvent.at)))
    text = "".join(json.dumps(body, separators=(",", ":")) + "\n" for body in bodies)
    for own, neutral in ((f":{place.port}", ":5432"), (str(place.host), "db.example"), (str(place.database), "shop")):
        text = text.replace(own, neutral)
    EVENTS.parent.mkdir(exist_ok=True)
    EVENTS.write_text(text)
