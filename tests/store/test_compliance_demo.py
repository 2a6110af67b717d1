"""What the demo puts on record decides what facts leave open, over the columns that the demo estate is known for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from compliance_estates import SOURCE, Drafts, asset, label, source
from compliance_store import Store, person
from pydantic import TypeAdapter

from actors.compliance import queries
from actors.compliance.contract import Body, KeepRecord
from actors.compliance.packs import load_frameworks
from cluster.detectors.taxonomy import load_taxonomy
from cluster.store.engine import reading
from serve.demo.governance import CONTENT, attest, put_on_record
from serve.demo.planted import EXPECTED

UNKNOWN = "INSUFFICIENT_EVIDENCE"


class Desk:
    """The part of the client that the demo speaks to, over the store."""

    def __init__(self, store: Store) -> None:
        self.store, self.compliance = store, self

    def records(self) -> list[Any]:
        with reading(self.store.engine) as session:
            return queries.list_records(session, limit=10_000)

    def keep(self, body: dict[str, Any]) -> Any:
        return self.store.do(KeepRecord(body=TypeAdapter(Body).validate_python(body)), person("ada"))

    def frameworks(self) -> list[Any]:
        with reading(self.store.engine) as session:
            return queries.frameworks(session)

    def posture(self, source_id: str) -> list[Any]:
        with reading(self.store.engine) as session:
            return [queries.posture(session, source_id, key) for key in load_frameworks()]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    made.now = datetime.now(UTC)
    yield made
    made.engine.dispose()


def estate(method: str | None = "census") -> Drafts:
    classes = load_taxonomy().value.classes
    drafts: Drafts = []
    for number, (path, columns) in enumerate(sorted(EXPECTED.items())):
        told = {
            column: [label("", data_class=name, tags=list(classes[name].tags), sensitivity=classes[name].sensitivity)]
            for column, name in columns.items()
            if name is not None
        }
        drafts += [
            draft.model_copy(update={"value": draft.value | {"path": path}}) if draft.kind == "asset" else draft
            for draft in asset(f"t{number}", told, method)
        ]
    return drafts


def told(kind: str) -> Any:
    """What the demo's sources tell: the environment is declared, and nothing else that no connection finds out."""
    unknown = {"encrypted_at_rest": None, "public_access": None, "audit_logging": None, "region": None}
    return source(kind=kind, tls=False, extra={"loopback": True}, **unknown)


@pytest.mark.parametrize("kind", ["postgresql", "files"])
def test_the_controls_that_facts_decide_are_decided_or_attested(store: Store, kind: str) -> None:
    store.record(told(kind), *estate())
    desk: Any = Desk(store)
    assert put_on_record(desk) > 10
    assert put_on_record(desk) == 0
    store.evaluate()
    attest(desk, [SOURCE])
    store.evaluate()
    for posture in desk.posture(SOURCE):
        unknown = [one.control for one in posture.controls if not one.attested and one.verdict == UNKNOWN]
        assert posture.covered >= 0.95, (posture.framework, unknown)


def test_nothing_that_is_put_on_record_makes_an_unscanned_estate_pass_on_its_content(store: Store) -> None:
    store.record(told("postgresql"), *estate(method=None))
    desk: Any = Desk(store)
    put_on_record(desk)
    store.evaluate()
    attest(desk, [SOURCE])
    store.evaluate()
    of_content = {
        (framework.pack.value.key, use.control.id)
        for framework in load_frameworks().values()
        for use in framework.uses
        if use.check.id.startswith(CONTENT)
    }
    passed = {
        (posture.framework, one.control)
        for posture in desk.posture(SOURCE)
        for one in posture.controls
        if one.verdict == "PASS"
    }
    assert not passed & of_content
    with reading(store.engine) as session:
        by_content = queries.findings(session, SOURCE, verdict="PASS", limit=100_000)
    assert {one.check for one in by_content} <= {"attestation.given"}
