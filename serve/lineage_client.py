"""Lineage in an instance, for driver scripts: `sextant.lineage`.

for edge in sextant.lineage.around(asset_id, "up", column="email").edges:
    print(edge.from_column, edge.subtype)
"""

from typing import Any

from actors.catalog.contract import (
    CarriedLabelView,
    CatalogReceipt,
    ImpactView,
    LineageReceipt,
    LineageView,
    PathView,
)
from serve.typed import Typed


class Lineage(Typed):
    """Where data comes from and goes to. `at` is a time as RFC 3339 writes it; left out it is now."""

    def around(
        self, asset_id: str, direction: str = "both", *, column: str | None = None, depth: int = 3,
        at: str | None = None,
    ) -> LineageView:  # fmt: skip
        """What an asset, or a column of it, is made from ("up"), and what from it ("down"). Raises NotFound."""
        return self._one(
            LineageView, "GET", f"/assets/{asset_id}/lineage", direction=direction, column=column, depth=depth, at=at
        )

    def impact(self, asset_id: str, *, column: str | None = None, depth: int = 20, at: str | None = None) -> ImpactView:
        """How many assets and columns depend on it, by the number of steps. Raises NotFound."""
        return self._one(ImpactView, "GET", f"/assets/{asset_id}/lineage/impact", column=column, depth=depth, at=at)

    def path(
        self, asset_id: str, to: str, *, column: str | None = None, to_column: str | None = None, at: str | None = None
    ) -> PathView:
        """The shortest way from one to the other, in words. Raises NotFound."""
        where = f"/assets/{asset_id}/lineage/path"
        return self._one(PathView, "GET", where, to=to, column=column, to_column=to_column, at=at)

    def labels(self, asset_id: str) -> list[CarriedLabelView]:
        """The classes that lineage carries to an asset's columns. Raises NotFound."""
        found = self.http.call("GET", f"/assets/{asset_id}/lineage/labels").json()
        return [CarriedLabelView.model_validate(each) for each in found]

    def document(
        self, asset_id: str, form: str = "openlineage", *, direction: str = "both", depth: int = 3,
        at: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The same as a document: "openlineage" or "graph". Raises NotFound."""
        asked = {"format": form, "direction": direction, "depth": depth, "at": at}
        found: dict[str, Any] = self.http.call("GET", f"/assets/{asset_id}/lineage/export", params=asked).json()
        return found

    def extract(self, sql: str, dialect: str | None = None, schema: dict[str, Any] | None = None) -> dict[str, Any]:
        """The lineage of a SQL text, which is not kept; fields as in `POST /lineage/extract`."""
        body = {"sql": sql, "dialect": dialect, "schema": schema}
        found: dict[str, Any] = self.http.call("POST", "/lineage/extract", body=body).json()
        return found

    def record_queries(self, source_id: str, queries: list[str]) -> CatalogReceipt:
        """Takes in statements that ran on a source, 1,000 at most. Raises NotFound."""
        return self._one(CatalogReceipt, "POST", f"/sources/{source_id}/lineage/queries", {"queries": queries})

    def record_event(self, event: dict[str, Any]) -> LineageReceipt:
        """Takes in an OpenLineage event."""
        return self._one(LineageReceipt, "POST", "/lineage", event)
