"""A typed client for driver scripts: the operations of the HTTP API as methods that return contract values.

with Sextant("http://127.0.0.1:8000", token) as sextant:
    workflow = sextant.govern("postgresql://reader@db/shop", password="...")
    for progress in sextant.follow(workflow.id):
        print(progress.workflow.state)
"""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from actors.catalog.contract import AssetSummary, AssetView
from actors.classification.contract import ClassSummary, Explanation, LabelView
from actors.classification.labelled import LabelledColumn
from actors.compliance.contract import FindingView, FrameworkView, Posture, RecommendationView
from actors.orchestrator.contract import InsightView, WorkflowView
from actors.scans.contract import ScanView
from actors.sources.contract import KeyRingView, SourceView
from cluster.errors import Conflict
from cluster.events.feed import EventView
from cluster.security.audit import ChainCheck
from cluster.security.tokens import IssuedToken, TokenView
from serve.catalog_client import Catalog
from serve.compliance_client import Compliance
from serve.follow import Progress, follow_events, follow_workflow
from serve.lineage_client import Lineage
from serve.models_client import Models
from serve.scans_client import Scans
from serve.sources_client import Places
from serve.transport import Transport
from serve.typed import Typed


class Sextant(Typed):
    """One instance, as one principal. Every method raises the error tree of `cluster.errors`."""

    def __init__(
        self, url: str, token: str | None, *, patience: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(Transport(url, token, patience=patience, transport=transport))
        self.scans, self.models, self.places = Scans(self.http), Models(self.http), Places(self.http)
        self.compliance, self.catalog = Compliance(self.http), Catalog(self.http)
        self.lineage = Lineage(self.http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    # The instance

    def status(self) -> dict[str, Any]:
        """Version, database, groups and figures of the instance."""
        found: dict[str, Any] = self.http.call("GET", "/status").json()
        return found

    # Sources and workflows

    def register(
        self, url: str, *, name: str | None = None, options: dict[str, str] | None = None,
        credential: dict[str, str] | None = None,
    ) -> SourceView:  # fmt: skip
        """Registers a source. Raises Conflict where its URL or its name is known."""
        body = {"url": url, "name": name, "options": options or {}, "credential": credential or {}}
        return self._one(SourceView, "POST", "/sources", body)

    def source_for(
        self, url: str, *, name: str | None = None, options: dict[str, str] | None = None,
        credential: dict[str, str] | None = None,
    ) -> SourceView:  # fmt: skip
        """The source in service at this URL, registered if it is new.

        A given name or credential replaces the stored one, be it in the URL or beside it; options that are given are
        set, and the others stay.
        """
        try:
            return self.register(url, name=name, options=options, credential=credential)
        except Conflict as conflict:
            known = self.source(conflict.context["source_id"]) if "source_id" in conflict.context else None
            if known is None or not same_place(url, known.url):
                raise
        known = self._changed(known, name, {**known.options, **options_in(url), **(options or {})})
        if given := credential_in(url, credential or {}):
            return self._one(SourceView, "PUT", f"/sources/{known.id}/credential", {"credential": given})
        return known

    def _changed(self, known: SourceView, name: str | None, options: dict[str, str]) -> SourceView:
        body = {"name": name if name != known.name else None, "options": options if options != known.options else None}
        if not any(body.values()):
            return known
        current = {"If-Match": f'"v{known.version}"'}
        answer = self.http.call("PATCH", f"/sources/{known.id}", body=body, headers=current)
        return SourceView.model_validate_json(answer.content)

    def source(self, source_id: str) -> SourceView:
        """One source. Raises NotFound."""
        return self._one(SourceView, "GET", f"/sources/{source_id}")

    def sources(self) -> Iterator[SourceView]:
        """All sources."""
        return self._pages(SourceView, "/sources")

    def master_keys(self) -> KeyRingView:
        """The master keys by their ids."""
        return self._one(KeyRingView, "GET", "/master-keys")

    def rotate_keys(self, *, new_master_key: bool = False, new_data_keys: bool = False) -> KeyRingView:
        """Wraps all credentials with the current master key, or a new one."""
        body = {"new_master_key": new_master_key, "new_data_keys": new_data_keys}
        return self._one(KeyRingView, "POST", "/master-keys/rotation", body)

    def drop_key(self, key_id: str) -> KeyRingView:
        """Takes a master key away. Raises Conflict if it is in use."""
        return self._one(KeyRingView, "DELETE", f"/master-keys/{key_id}")

    def start_workflow(self, source_id: str, ruleset: str = "default") -> WorkflowView:
        """Takes a source through the eight phases; one that is under way is returned."""
        return self._one(WorkflowView, "POST", "/workflows", {"source_id": source_id, "ruleset": ruleset})

    def workflow(self, workflow_id: str) -> WorkflowView:
        """One workflow. Raises NotFound."""
        return self._one(WorkflowView, "GET", f"/workflows/{workflow_id}")

    def govern(
        self, url: str, *, name: str | None = None, username: str | None = None, password: str | None = None,
        options: dict[str, str] | None = None, ruleset: str = "default",
    ) -> WorkflowView:  # fmt: skip
        """Registers the source, or finds it, and starts its workflow."""
        credential = {key: value for key, value in (("username", username), ("password", password)) if value}
        source = self.source_for(url, name=name, options=options, credential=credential)
        return self.start_workflow(source.id, ruleset)

    def follow(self, workflow_id: str) -> Iterator[Progress]:
        """Where the workflow stands, each time that it moved, until it ended."""
        return follow_workflow(self, workflow_id)

    def latest_scan(self, source_id: str) -> ScanView | None:
        """The newest scan of a source."""
        found = self.http.call("GET", "/scans", params={"source_id": source_id, "limit": 1}).json()["items"]
        return ScanView.model_validate(found[0]) if found else None

    # What was learned

    def assets(self, **filters: str | None) -> Iterator[AssetSummary]:
        """Assets of the catalog; filters as in `GET /assets`."""
        return self._pages(AssetSummary, "/assets", filters)

    def asset(self, asset_id: str) -> AssetView:
        """One asset with its columns. Raises NotFound."""
        return self._one(AssetView, "GET", f"/assets/{asset_id}")

    def labels(self, **filters: str | None) -> Iterator[LabelView]:
        """Labels; filters as in `GET /labels`."""
        return self._pages(LabelView, "/labels", filters)

    def why(self, label_id: str) -> Explanation:
        """Why the machine finds the class of a label on its column: a sentence, and the figures behind it."""
        return self._one(Explanation, "GET", f"/labels/{label_id}/explanation")

    def decided_columns(self) -> Iterator[LabelledColumn]:
        """The columns that people decided on, with their figures, for training and audits."""
        return self._pages(LabelledColumn, "/decisions/export")

    def class_summary(self, source_id: str) -> list[ClassSummary]:
        """Columns and assets of a source by class."""
        return list(self._pages(ClassSummary, f"/sources/{source_id}/classes"))

    def frameworks(self) -> list[FrameworkView]:
        """All compliance frameworks."""
        return list(self._pages(FrameworkView, "/frameworks"))

    def findings(self, **filters: str | None) -> Iterator[FindingView]:
        """Findings; filters as in `GET /findings`."""
        return self._pages(FindingView, "/findings", filters)

    def posture(self, source_id: str) -> list[Posture]:
        """The verdict of every control, by framework."""
        return list(self._pages(Posture, f"/sources/{source_id}/posture"))

    def verdicts(self, source_id: str) -> dict[str, dict[str, int]]:
        """How many findings of a source stand, by framework and verdict."""
        found: dict[str, dict[str, int]] = self.http.call("GET", f"/sources/{source_id}/verdicts").json()["frameworks"]
        return found

    def recommendations(self, source_id: str) -> list[RecommendationView]:
        """What to do next, the weightiest first."""
        return list(self._pages(RecommendationView, f"/sources/{source_id}/recommendations"))

    def insights(self, source_id: str) -> list[InsightView]:
        """What only several groups together show."""
        return list(self._pages(InsightView, f"/sources/{source_id}/insights"))

    def events(self, after: int = 0, kinds: list[str] | None = None, entity: str | None = None) -> Iterator[EventView]:
        """Events behind `after` for as long as the iterator is read; it resumes by itself without a gap."""
        return follow_events(self.http, after, kinds, entity)

    # Access and audit

    def create_token(self, principal: str, roles: list[str], days: int | None = None) -> IssuedToken:
        """A new token; its secret is in this answer only."""
        return self._one(IssuedToken, "POST", "/tokens", {"principal": principal, "roles": roles, "days": days})

    def tokens(self) -> Iterator[TokenView]:
        """All tokens without their secrets."""
        return self._pages(TokenView, "/tokens")

    def revoke_token(self, token_id: str) -> TokenView:
        """Makes a token worthless. Raises NotFound."""
        return self._one(TokenView, "DELETE", f"/tokens/{token_id}")

    def verify_audit(self) -> ChainCheck:
        """Whether the audit chain is whole."""
        return self._one(ChainCheck, "GET", "/audit/verification")


def same_place(url: str, known: str) -> bool:
    """Whether a URL, its password aside, is the one that a source was registered with."""
    from cluster.connectors import split_url  # the connectors' own idea of a place; only a conflict needs it

    return split_url(url).url == known


def options_in(url: str) -> dict[str, str]:
    """The options that a URL holds."""
    from cluster.connectors import split_url

    return split_url(url).options


def credential_in(url: str, beside: Mapping[str, str]) -> dict[str, str]:
    """The credential that a URL holds, with what is given beside it; empty where that is a user's name only.

    A name alone replaces nothing.
    """
    from cluster.connectors import split_url

    found = {**split_url(url).credential, **beside}
    return found if found.keys() - {"username"} else {}
