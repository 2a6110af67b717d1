"""How a decision and a verdict make one label: pure rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.classification.decisions import LabelFacts, Ruling, basis_of, settle
from cluster.detectors.taxonomy import Taxonomy, load_taxonomy

EMAIL, PHONE = "contact.email", "contact.phone"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy().value


def machine(data_class: str = EMAIL, state: Any = "automatic", confidence: float = 0.9) -> LabelFacts:
    return LabelFacts(
        data_class=data_class, sensitivity="Confidential", confidence=confidence, prevalence=0.8, low=0.7, high=0.9,
        matched=80, scanned=100, method="census", tier="rules", detector="d", state=state, reasons=("80 of 100",),
    )  # fmt: skip


def ruling(decision: Any, then: LabelFacts | None, data_class: str = EMAIL) -> Ruling:
    known = load_taxonomy().value.of(data_class)
    basis = basis_of(then, known.sensitivity, known.tags)
    return Ruling(data_class=data_class, decision=decision, reason="I know it", principal="ada", basis=basis)


def test_a_decision_wins_and_keeps_the_figures_and_the_reasons(taxonomy: Taxonomy) -> None:
    settled = settle({EMAIL: machine()}, [ruling("reject", machine())], taxonomy, census=True)[EMAIL]
    assert (settled.state, settled.origin, settled.confidence, settled.matched) == ("rejected", "human", 0.0, 80)
    assert settled.reasons == ("Rejected by ada: I know it", "80 of 100")
    settled = settle({EMAIL: machine(state="review")}, [ruling("confirm", machine())], taxonomy, census=True)[EMAIL]
    assert (settled.state, settled.origin, settled.confidence, settled.method) == ("confirmed", "human", 1.0, "census")


def test_what_a_person_assigns_has_the_sensitivity_of_its_class(taxonomy: Taxonomy) -> None:
    settled = settle({}, [ruling("assign", None)], taxonomy, census=True)[EMAIL]
    assert (settled.sensitivity, settled.tags) == (taxonomy.of(EMAIL).sensitivity, taxonomy.of(EMAIL).tags)
    assert (settled.method, settled.matched, settled.state, settled.drifted) == ("decision", None, "confirmed", False)


def test_a_class_that_left_the_taxonomy_keeps_its_decision(taxonomy: Taxonomy) -> None:
    smaller = taxonomy.model_copy(update={"classes": {PHONE: taxonomy.of(PHONE)}})
    settled = settle({}, [ruling("confirm", machine())], smaller, census=False)[EMAIL]
    assert (settled.sensitivity, settled.state) == (taxonomy.of(EMAIL).sensitivity, "confirmed")


@pytest.mark.parametrize(
    ("decision", "then", "now", "census", "drifted"),
    [
        ("confirm", machine(), None, True, True),
        ("confirm", machine(), None, False, False),  # a sample may have missed it
        ("confirm", machine(), machine(confidence=0.2, state="review"), True, False),
        ("assign", None, None, True, False),  # nobody ever saw it but the person
        ("assign", machine(), None, True, True),
        ("reject", machine(state="review"), machine(), True, True),
        ("reject", machine(), machine(), True, False),  # known when it was rejected
        ("reject", machine(state="review"), machine(state="review"), True, False),
        ("reject", machine(state="review"), None, True, False),
    ],
)
def test_drift_is_evidence_that_is_new_and_speaks_against(
    taxonomy: Taxonomy, decision: str, then: LabelFacts | None, now: LabelFacts | None, census: bool, drifted: bool
) -> None:
    found = {EMAIL: now} if now else {}
    assert settle(found, [ruling(decision, then)], taxonomy, census=census)[EMAIL].drifted is drifted


classes = st.sampled_from([EMAIL, PHONE, "person.age"])


@limits(deadline=None, max_examples=60)
@given(
    st.dictionaries(classes, st.sampled_from(["automatic", "review"])),
    st.dictionaries(classes, st.sampled_from(["confirm", "reject", "assign"])),
    st.booleans(),
)
def test_every_decision_shows_and_nothing_else_is_touched(
    found: dict[str, str], decided: dict[str, str], census: bool
) -> None:
    verdicts = {name: machine(name, state) for name, state in found.items()}
    rulings = [ruling(decision, None, name) for name, decision in decided.items()]
    settled = settle(verdicts, rulings, load_taxonomy().value, census=census)
    assert settled.keys() == found.keys() | decided.keys()
    for name, facts in settled.items():
        if name in decided:
            assert facts.state == ("rejected" if decided[name] == "reject" else "confirmed")
        else:
            assert facts == verdicts[name]
