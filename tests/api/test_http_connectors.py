"""The kinds of sources over HTTP, with the schema that forms are drawn from."""

from typing import Any


def test_each_connector_tells_its_configuration(instance: Any) -> None:
    with instance.client("admin") as admin:
        first = admin.get("/api/v1/connectors", params={"limit": 2}).json()
        rest = admin.get("/api/v1/connectors", params={"after": first["next"]}).json()
        found = {one["kind"]: one for one in [*first["items"], *rest["items"]]}
        assert {"postgresql", "mysql", "sqlite", "duckdb", "files"} <= set(found)
        schema = admin.get("/api/v1/connectors/mysql").json()["configuration"]
        assert schema == found["mysql"]["configuration"]
        assert schema["properties"]["credential"]["properties"]["password"]["writeOnly"]
        assert "sslmode" in schema["properties"]["options"]["properties"]
        assert admin.get("/api/v1/connectors/nothing").status_code == 404
