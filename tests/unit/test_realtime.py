"""Classification on the spot: what stands where in a text, what a column holds, and how the tiers are joined."""

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.classification.joining import join
from actors.classification.realtime import classify_columns, classify_text, default_rules
from actors.classification.tiers import NONE, wanted
from actors.classification.verdict import Label
from cluster.detectors.taxonomy import load_taxonomy
from cluster.errors import InvalidInput
from cluster.ml.guess import Guess

CLASSES = ("contact.email", "contact.phone", "person.full_name", "financial.iban")
TEXT = "Mail ada@example.org, call +49 30 12345678; card 4111 1111 1111 1111, order 20231122-77, v1.2.3.4."


def test_spans_are_exact_and_apart() -> None:
    (spans,) = classify_text([TEXT], ["rules"])
    assert [(TEXT[s.start : s.end], s.data_class) for s in spans] == [
        ("ada@example.org", "contact.email"),
        ("+49 30 12345678", "contact.phone"),
        ("4111 1111 1111 1111", "payment.card_number"),
    ]


@given(st.text(max_size=60), st.text(max_size=60))
@limits(deadline=None, max_examples=40)
def test_offsets_are_code_points_whatever_stands_around(before: str, after: str) -> None:
    text = f"{before} \n ada@example.org \n {after}"
    (spans,) = classify_text([text], ["rules"])
    assert all(0 <= a.start < a.end <= b.start for a, b in pairwise(spans))
    assert "ada@example.org" in {text[s.start : s.end] for s in spans}


def test_a_column_is_known_by_its_values_without_a_name() -> None:
    cards = ["4111111111111111", "5500005555555559", "340000000000009"] * 4
    mails = [f"p{n}@example.org" for n in range(12)]
    found = classify_columns({"": mails, "c2": cards, "qty": list(range(12)), "email_verified": [True, False] * 6})
    assert [r.data_class for r in found[""]] == ["contact.email"]
    assert (found[""][0].state, found[""][0].prevalence) == ("automatic", 1.0)
    assert found[""][0].interval[0] < 1 == found[""][0].interval[1]
    assert [r.data_class for r in found["c2"]] == ["payment.card_number"]
    assert found["qty"] == found["email_verified"] == ()


def test_tiers_go_by_name_or_number_and_a_missing_one_is_named() -> None:
    assert wanted(None) == ("rules", "model", "language")
    assert wanted(["3", 1]) == ("rules", "language")
    with pytest.raises(InvalidInput):
        wanted(["fourth"])
    assert {skipped.tier for skipped in NONE.skipped(wanted(None), texts=False)} == {"model", "language"}


def labelled(confidence: float) -> Label:
    return Label(
        data_class="contact.email", sensitivity="Confidential", tags=(), confidence=confidence, prevalence=1, low=1,
        high=1, matched=9, scanned=9, whole_column=True, method="census", detector="contact.email",
        state="automatic" if confidence >= default_rules().spec.automatic_at else "review", reasons=("r",),
    )  # fmt: skip


guesses = st.lists(
    st.builds(
        Guess, data_class=st.sampled_from(CLASSES), probability=st.floats(0, 1),
        tier=st.sampled_from(["model", "language"]),
        reasons=st.just(()),
    ),
    max_size=4,
)  # fmt: skip


@given(st.lists(st.floats(0.3, 1), max_size=1), guesses)
@limits(deadline=None, max_examples=150)
def test_evidence_stays_in_front_and_nothing_is_surer_than_it_may_be(
    confidences: list[float], told: list[Guess]
) -> None:
    labels = [labelled(confidence) for confidence in confidences]
    joined = join(labels, told, load_taxonomy().value, default_rules())
    assert len({one.data_class for one in joined}) == len(joined)
    assert all(0.3 <= one.confidence <= 1 and one.reasons for one in joined)
    if labels and labels[0].state == "automatic":
        assert joined[0].data_class == "contact.email"
    assert join(labels, told[::-1], load_taxonomy().value, default_rules()) == joined


def told(
    data_class: str, probability: float, tier: Literal["model", "language"] = "model", *, sure: bool = False
) -> Guess:
    return Guess(data_class=data_class, probability=probability, tier=tier, sure=sure)


def joined(labels: list[Label], *guesses: Guess) -> list[tuple[str, str]]:
    found = join(labels, guesses, load_taxonomy().value, default_rules())
    return [(one.data_class, one.state) for one in found]


def test_a_guess_alone_needs_no_person_only_where_the_model_is_sure() -> None:
    assert joined([], told("contact.phone", 0.94)) == [("contact.phone", "review")]
    assert joined([], told("contact.phone", 0.94, sure=True)) == [("contact.phone", "review")]
    assert joined([], told("contact.phone", 0.96, sure=True)) == [("contact.phone", "automatic")]
    assert joined([], told("contact.phone", 0.95), told("contact.phone", 0.9, "language")) == [
        ("contact.phone", "automatic")
    ]
    assert joined([], told("contact.phone", 0.45)) == []


def test_what_the_model_takes_for_nothing_is_not_shown_on_the_word_of_its_name() -> None:
    assert joined([], told("contact.phone", 0.9, "language")) == [("contact.phone", "review")]
    assert joined([], told("none", 0.9), told("contact.phone", 0.9, "language")) == []


def test_a_label_without_proof_goes_to_a_person_where_the_model_sees_nothing() -> None:
    by_name = {"data_class": "person.given_name", "detector": "person.given_name"}
    assert joined([labelled(0.9).model_copy(update=by_name)], told("none", 0.9)) == [("person.given_name", "review")]
    assert joined([labelled(0.9)], told("none", 0.9)) == [("contact.email", "automatic")]


def test_a_fax_is_no_telephone_because_it_has_the_form_of_one() -> None:
    phone = labelled(0.93).model_copy(update={"data_class": "contact.phone", "detector": "contact.phone"})
    assert joined([phone], told("contact.fax", 0.95, sure=True)) == [("contact.fax", "automatic")]
    assert joined([phone], told("contact.fax", 0.6))[0] == ("contact.phone", "automatic")


def test_agreement_of_the_name_does_not_outweigh_the_model() -> None:
    by_name = labelled(0.76).model_copy(update={"data_class": "person.given_name", "detector": "person.given_name"})
    assert joined([by_name], told("none", 0.97), told("person.given_name", 0.95, "language"))[0][1] == "review"
