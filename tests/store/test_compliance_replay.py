"""A thousand random findings of random estates are reached again byte for byte, whatever facts they stand on."""

import os
import random
from collections.abc import Iterator

import pytest
from compliance_estates import ESTATES, SOURCE, Drafts
from compliance_store import Store

from actors.compliance import queries
from actors.compliance.packs import load_frameworks
from cluster.store.engine import reading

FINDINGS = 1_000
SOURCES, ASSETS = (40, 60) if os.environ.get("LONG_TESTS") else (6, 40)
USES = [use for framework in load_frameworks().values() for use in framework.uses]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    yield made
    made.engine.dispose()


def estate(dice: random.Random, source_id: str) -> Drafts:
    """What the source tells by one random estate, with assets of many others."""
    of_source = [draft for draft in one(dice) if draft.subject == SOURCE or draft.kind == "attestation"]
    drafts = [
        draft.model_copy(update={"subject": source_id}) if draft.subject == SOURCE else draft for draft in of_source
    ]
    for number in range(ASSETS):
        for draft in one(dice):
            if draft.subject.startswith("id-"):
                moved = {"subject": f"{source_id}-{number}-{draft.subject}"}
                drafts.append(draft.model_copy(update=moved))
    return drafts


def one(dice: random.Random) -> Drafts:
    use = dice.choice(USES)
    return dice.choice(ESTATES[use.check.id])(use.parameters)


@pytest.mark.parametrize("seed", range(10) if os.environ.get("LONG_TESTS") else [0])
def test_a_thousand_random_findings_are_replayed_byte_for_byte(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    for number in range(SOURCES):
        store.record(*estate(dice, f"source-{number}"), complete=(), source_id=f"source-{number}")
        store.judge(f"source-{number}")
    with reading(store.engine) as session:
        found = queries.findings(session, limit=1_000_000)
        assert {finding.verdict for finding in found} == {"PASS", "FAIL", "INSUFFICIENT_EVIDENCE"}
        assert len(found) > FINDINGS
        for finding in dice.sample(found, FINDINGS):
            assert queries.replay(session, finding.id).model_dump_json() == finding.model_dump_json()
