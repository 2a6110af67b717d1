"""The catalog of an instance, for driver scripts: `sextant.catalog`.

for asset in sextant.catalog.search("where are customers' phone numbers?"):
    print(asset.path)
"""

from collections.abc import Iterator
from itertools import islice

from actors.catalog.contract import (
    AssetChangeView,
    AssetSummary,
    AssetView,
    CatalogReceipt,
    DomainView,
    FacetCounts,
    IncidentView,
    QualityRunView,
    TermView,
)
from serve.typed import Typed


class Catalog(Typed):
    """Searching, describing and watching assets."""

    def search(self, question: str, limit: int = 20, **filters: str | None) -> list[AssetSummary]:
        """What fits a question, the best first; filters as in `GET /search`."""
        found = self._pages(AssetSummary, "/search", {"q": question, "limit": min(limit, 200), **filters})
        return list(islice(found, limit))

    def facets(self, question: str | None = None, **filters: str | None) -> FacetCounts:
        """How many assets have each value of each facet."""
        return self._one(FacetCounts, "GET", "/search/facets", q=question, **filters)

    def describe(self, asset_id: str, **words: object) -> AssetView:
        """Sets people's words on an asset; fields as in `PATCH /assets/{id}`."""
        return self._one(AssetView, "PATCH", f"/assets/{asset_id}", words)

    def history(self, asset_id: str) -> Iterator[AssetChangeView]:
        """What each version changed, the newest first."""
        return self._pages(AssetChangeView, f"/assets/{asset_id}/history")

    def restore(self, asset_id: str, to_version: int) -> AssetView:
        """Makes people's words those of an older version again."""
        return self._one(AssetView, "POST", f"/assets/{asset_id}/restore", {"to_version": to_version})

    def domains(self) -> Iterator[DomainView]:
        """The domains that one may see."""
        return self._pages(DomainView, "/domains")

    def terms(self) -> Iterator[TermView]:
        """The terms of the glossary by name."""
        return self._pages(TermView, "/terms")

    def import_glossary(self, text: str, form: str = "csv") -> CatalogReceipt:
        """Takes in a glossary as "csv", "turtle" or "rdfxml"."""
        return self._one(CatalogReceipt, "POST", "/terms/import", {"format": form, "text": text})

    def export_glossary(self, form: str = "csv") -> str:
        """The glossary as "csv", "turtle", "rdfxml" or "jsonld"."""
        return self.http.call("GET", "/terms/export", params={"format": form}).text

    def suggest_tests(self, asset_id: str) -> CatalogReceipt:
        """Adds the tests that the last census of an asset suggests."""
        return self._one(CatalogReceipt, "POST", f"/assets/{asset_id}/quality/suggestions")

    def run_tests(self, asset_id: str, *, fresh: bool = False) -> QualityRunView:
        """Runs the tests of an asset; `quality_run` tells when a worker is done."""
        return self._one(QualityRunView, "POST", f"/assets/{asset_id}/quality/runs", {"fresh": fresh})

    def quality_run(self, run_id: str) -> QualityRunView:
        """A run with its results so far. Raises NotFound."""
        return self._one(QualityRunView, "GET", f"/quality/runs/{run_id}")

    def incidents(self, **filters: str | None) -> Iterator[IncidentView]:
        """Incidents, the newest first; filters as in `GET /incidents`."""
        return self._pages(IncidentView, "/incidents", filters)

    def export(self, form: str = "dcat") -> Iterator[str]:
        """The catalog as "dcat" (JSON-LD) or "csv", a document for each page."""
        after: str | None = None
        while True:
            answer = self.http.call("GET", "/catalog/export", params={"format": form, "limit": 200, "after": after})
            yield answer.text
            following = answer.headers.get("link", "")
            if "after=" not in following:
                return
            after = following.partition("after=")[2].partition(">")[0]
