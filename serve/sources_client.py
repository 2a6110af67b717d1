"""The sources of an instance, for driver scripts: `sextant.places`.

look = sextant.places.look_through(account.id)
for found in sextant.places.resources(account.id, status="new"):
    sextant.places.adopt(found.id)
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from actors.sources.contract import (
    AccountDiscoveryView,
    AccountView,
    ApplyReport,
    Availability,
    HealthView,
    ResourceView,
    SourceView,
    TestView,
    TuningView,
)
from cluster.errors import Unavailable
from serve.typed import Typed

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 300.0
W = TypeVar("W", TestView, TuningView, AccountDiscoveryView)


class Places(Typed):
    """Watching, tuning and finding sources."""

    def health(self, state: str | None = None) -> Iterator[HealthView]:
        """How the sources in service are."""
        return self._pages(HealthView, "/source-health", {"state": state})

    def availability(self, source_id: str, days: int = 30) -> Availability:
        """The share of probes of a source that went well."""
        return self._one(Availability, "GET", f"/sources/{source_id}/availability", days=days)

    def test(self, source_id: str) -> TestView:
        """Tests the connection and waits for the end. Raises Unavailable after five minutes."""
        asked = self._one(TestView, "POST", f"/sources/{source_id}/tests")
        return self._ended(TestView, f"/sources/{source_id}/tests/{asked.id}")

    def tune(self, source_id: str, most_connections: int = 8) -> TuningView:
        """Measures a source and waits for the advice."""
        body = {"most_connections": most_connections}
        asked = self._one(TuningView, "POST", f"/sources/{source_id}/tunings", body)
        return self._ended(TuningView, f"/sources/{source_id}/tunings/{asked.id}")

    def apply_tuning(self, source_id: str, tuning_id: str) -> TuningView:
        """Puts an advice to work."""
        return self._one(TuningView, "POST", f"/sources/{source_id}/tunings/{tuning_id}/application")

    def accounts(self) -> Iterator[AccountView]:
        """All accounts."""
        return self._pages(AccountView, "/source-accounts")

    def register_account(
        self, name: str, provider: str, *, url: str | None = None, regions: Sequence[str] = (),
        options: dict[str, str] | None = None, credential: dict[str, str] | None = None,
    ) -> AccountView:  # fmt: skip
        """Registers a cloud account, a server or a file share."""
        body: dict[str, Any] = {
            "name": name, "provider": provider, "url": url, "regions": list(regions), "options": options or {},
            "credential": credential or {},
        }  # fmt: skip
        return self._one(AccountView, "POST", "/source-accounts", body)

    def look_through(self, account_id: str) -> AccountDiscoveryView:
        """Lists what lies in an account and waits for the end."""
        asked = self._one(AccountDiscoveryView, "POST", f"/source-accounts/{account_id}/discoveries")
        return self._ended(AccountDiscoveryView, f"/source-accounts/{account_id}/discoveries/{asked.id}")

    def resources(self, account_id: str | None = None, status: str | None = None) -> Iterator[ResourceView]:
        """What was found in accounts."""
        return self._pages(ResourceView, "/source-resources", {"account_id": account_id, "status": status})

    def adopt(self, resource_id: str, name: str | None = None) -> SourceView:
        """Makes a source of something found. Raises Conflict where it is one."""
        return self._one(SourceView, "POST", f"/source-resources/{resource_id}/adoption", {"name": name})

    def ignore(self, resource_id: str, *, ignored: bool = True) -> ResourceView:
        """Says that something found is to be left alone, or not."""
        return self._one(ResourceView, "PUT", f"/source-resources/{resource_id}/disposal", {"ignored": ignored})

    def document(self) -> dict[str, Any]:
        """The sources in service as a document, without credentials."""
        found: dict[str, Any] = self.http.call("GET", "/source-document").json()
        return found

    def apply(self, sources: list[dict[str, Any]], *, prune: bool = False, dry_run: bool = False) -> ApplyReport:
        """Makes the sources what a document says."""
        body = {"sources": sources, "prune": prune, "dry_run": dry_run}
        return self._one(ApplyReport, "POST", "/source-document", body)

    def _ended(self, model: type[W], path: str) -> W:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self._one(model, "GET", path)
            if found.state not in ("queued", "running"):
                return found
            if time.monotonic() > deadline:
                raise Unavailable("It has not ended in five minutes.", f"It goes on; read {path} later.")
            time.sleep(POLL_SECONDS)
