"""The compliance operations of the client: records, frameworks, policies, waivers and orders."""

from collections.abc import Iterator
from typing import Any

from actors.compliance.contract import (
    Contradiction,
    Deadline,
    Decision,
    EvaluationView,
    FindingView,
    FrameworkView,
    OrderView,
    RecordView,
    WaiverView,
)
from serve.typed import Typed


class Compliance(Typed):
    """What people put on record, and what Sextant does to data by order."""

    def records(self, kind: str | None = None) -> Iterator[RecordView]:
        """Records in force, of one kind if named."""
        return self._pages(RecordView, "/compliance/records", {"kind": kind})

    def keep(self, body: dict[str, Any], record_id: str | None = None) -> RecordView:
        """Puts something on record, or changes a record."""
        if record_id is None:
            return self._one(RecordView, "POST", "/compliance/records", {"body": body})
        return self._one(RecordView, "PUT", f"/compliance/records/{record_id}", {"body": body})

    def end(self, record_id: str) -> RecordView:
        """Takes a record out of force."""
        return self._one(RecordView, "DELETE", f"/compliance/records/{record_id}")

    def import_framework(self, content: str) -> FrameworkView:
        """Imports a framework from the text of one file."""
        return self._one(FrameworkView, "POST", "/frameworks", {"content": content})

    def ask(self, request: dict[str, Any]) -> Decision:
        """What the policies say of a request."""
        return self._one(Decision, "POST", "/policies/evaluate", request)

    def evaluate(self, source_id: str, frameworks: tuple[str, ...] = ()) -> EvaluationView:
        """Decides the controls again from the facts that are stored."""
        body = {"frameworks": list(frameworks)}
        return self._one(EvaluationView, "POST", f"/sources/{source_id}/evaluations", body)

    def export(self, source_id: str, form: str = "oscal", framework: str | None = None) -> dict[str, Any]:
        """The findings of a source as OSCAL assessment results ("oscal") or as SARIF ("sarif")."""
        asked = {"format": form, "framework": framework}
        document: dict[str, Any] = self.http.call("GET", f"/sources/{source_id}/findings/export", params=asked).json()
        return document

    def report(
        self, source_id: str, framework: str, form: str = "pdf", since: str | None = None, until: str | None = None
    ) -> bytes:
        """A report of a source by one framework: "pdf", "html", "csv" or "json"; or "evidence", which is signed."""
        if form == "evidence":
            return self.http.call("GET", f"/sources/{source_id}/evidence", params={"framework": framework}).content
        asked = {"framework": framework, "format": form, "since": since, "until": until}
        return self.http.call("GET", f"/sources/{source_id}/report", params=asked).content

    def deadlines(self) -> list[Deadline]:
        """What has to be done by when, the earliest first."""
        return list(self._pages(Deadline, "/compliance/deadlines"))

    def contradictions(self) -> list[Contradiction]:
        """Policies that say opposite things of the same data."""
        return list(self._pages(Contradiction, "/policies/contradictions"))

    def handle(self, finding_id: str, **fields: Any) -> FindingView:
        """Takes a finding on."""
        return self._one(FindingView, "PATCH", f"/findings/{finding_id}", fields)

    def request_waiver(self, finding_id: str, **fields: Any) -> WaiverView:
        """Asks for an exception for one finding."""
        return self._one(WaiverView, "POST", f"/findings/{finding_id}/waivers", fields)

    def decide_waiver(self, waiver_id: str, decision: str, comment: str) -> WaiverView:
        """Approves, refuses or withdraws a waiver."""
        body = {"decision": decision, "comment": comment}
        return self._one(WaiverView, "POST", f"/waivers/{waiver_id}/decision", body)

    def waivers(self) -> Iterator[WaiverView]:
        """Waivers with what became of them."""
        return self._pages(WaiverView, "/waivers")

    def orders(self, state: str | None = None) -> Iterator[OrderView]:
        """Orders, in one state if named."""
        return self._pages(OrderView, "/orders", {"state": state})

    def order(self, order_id: str) -> OrderView:
        """One order."""
        return self._one(OrderView, "GET", f"/orders/{order_id}")

    def place(self, kind: str, body: dict[str, Any]) -> OrderView:
        """Places an order: `kind` is enforcements, retentions or subjects; `body` as `POST /orders/{kind}` takes it."""
        return self._one(OrderView, "POST", f"/orders/{kind}", body)

    def roll_back(self, order_id: str, body: dict[str, Any]) -> OrderView:
        """Orders to take back what an enforcement did."""
        return self._one(OrderView, "POST", f"/orders/{order_id}/rollback", body)

    def decide(self, order_id: str, approve: bool) -> OrderView:
        """Approves or refuses a planned order."""
        return self._one(OrderView, "POST", f"/orders/{order_id}/decision", {"approve": approve})
