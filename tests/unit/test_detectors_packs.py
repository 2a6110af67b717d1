"""The installed detectors do what their packs say, and a pack that does not hold is refused."""

import pickle
from typing import Any

import polars as pl
import pytest
import yaml

from cluster.detectors.backtracking import backtracks
from cluster.detectors.compile import (
    CompiledRules,
    RuleSetSpec,
    compile,
    load_detector_packs,
    load_rule_set,
)
from cluster.detectors.detector import Detector, DetectorPack
from cluster.detectors.lint import lint
from cluster.detectors.patterns import embedded_regex, whole_regex
from cluster.detectors.taxonomy import load_taxonomy, most_sensitive
from cluster.detectors.words import phrases_of, split_name
from cluster.errors import NotFound, PackInvalid
from cluster.packs import Pack, parse_pack

DETECTORS = {d.id: d for pack in load_detector_packs() for d in pack.value.detectors}


def _pack(**changes: Any) -> Pack[DetectorPack]:
    detector = {
        "id": "x.y",
        "data_class": "contact.email",
        "title": "A thing",
        "pattern": "[0-9]{3}",
        "gate": "[0-9]",
        "examples": {"match": ["123"], "reject": ["12"]},
    } | changes
    return parse_pack(
        "detectors/x.yaml", yaml.safe_dump({"title": "t", "detectors": [detector]}).encode(), DetectorPack
    )


@pytest.mark.parametrize("pack", load_detector_packs(), ids=lambda pack: pack.name)
def test_the_examples_of_every_pack_come_out(pack: Pack[DetectorPack]) -> None:
    lint(pack)


def test_there_are_detectors_and_each_pattern_has_examples() -> None:
    assert len(DETECTORS) >= 100
    assert all(d.examples.match and d.examples.reject for d in DETECTORS.values() if d.pattern)


def test_no_value_is_claimed_twice() -> None:
    texts = [t for d in DETECTORS.values() for t in (*d.examples.match, *d.examples.found_in)]
    claims = [pl.Series(texts).str.contains(whole_regex(d)) for d in DETECTORS.values() if d.claims]
    assert max(sum(column) for column in zip(*claims, strict=True)) == 1


def test_every_match_inside_text_passes_the_gate() -> None:
    for d in DETECTORS.values():
        if d.gate and d.examples.found_in:
            texts = pl.Series(d.examples.found_in)
            assert texts.str.contains(d.gate).all(), d.id
            assert texts.str.contains(embedded_regex(d)).all(), d.id


@pytest.mark.parametrize(
    "pattern",
    [
        "(abc|abd)+", "([a-z]+,)*", "(?:[0-9]{3} ?)+", "(?:[A-Z]{2}|[0-9]{2})+", "([a-z]|[0-9])+@", "(.|\\n)*x",
        "(a|a)*", "(?:a|b){3,40}", "[a-z]+(?:-[a-z]+)*",
    ],
)  # fmt: skip
def test_a_repetition_that_reads_a_text_in_one_way_is_no_fault(pattern: str) -> None:
    assert not backtracks(pattern)


def test_a_long_pattern_is_judged_in_bounded_time() -> None:
    assert not backtracks("(?:" + "|".join(f"{chr(97 + n % 26)}{n}x" for n in range(900)) + ")+")
    backtracks("(?:" + "[a-z]?" * 31 + "[a-z])+")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"pattern": "(unclosed"}, "pattern"),
        ({"pattern": r"(a)\1"}, "pattern"),
        ({"pattern": "a(?=b)"}, "pattern"),
        ({"pattern": "(?:[0-9]+)+"}, "backtracks"),
        ({"pattern": "([0-9]{1,40}-?)*"}, "backtracks"),
        ({"pattern": "(?:[0-9]|[0-9][0-9])+"}, "backtracks"),
        ({"pattern": "(?:[0-9]?[1-3]?)*"}, "backtracks"),
        ({"pattern": "(?:1(2|22)*)*3"}, "backtracks"),
        ({"pattern": "[0-9]{3}", "gate": "([0-9]+)*"}, "gate"),
        ({"gate": "[z-a]"}, "gate"),
        ({"validator": "nothing", "chance": 0.5}, "validator"),
        ({"validator": "stdnum:os", "chance": 0.5}, "validator"),
        ({"data_class": "no.such"}, "data_class"),
        ({"examples": {"match": ["12"], "reject": ["123"]}}, "examples.match.0"),
        ({"examples": {"match": ["123"], "reject": ["456"]}}, "examples.reject.0"),
        ({"examples": {"match": ["123"]}}, "examples"),
        ({"gate": "zzz"}, "gate"),
        ({"embedded": True, "examples": {"match": ["123"], "reject": ["1"], "found_in": ["x"]}}, "examples.found_in.0"),
    ],
)  # fmt: skip
def test_a_pack_that_does_not_hold_is_refused(changes: dict[str, Any], named: str) -> None:
    pack = _pack(**changes)
    with pytest.raises(PackInvalid, match=r"detectors/x\.yaml") as caught:
        lint(pack)
    assert named in caught.value.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"pattern": None},
        {"range": [0, 1]},
        {"needs_name": True},
        {"gate": None},
        {"chance": 0.5},
        {"chance": 0},
        {"id": "Not An Id"},
        {"colour": "blue"},
    ],
)
def test_a_pack_of_the_wrong_form_names_file_and_field(changes: dict[str, Any]) -> None:
    with pytest.raises(PackInvalid, match=r"configs/detectors/x.yaml is not valid: detectors\.0"):
        _pack(**changes)


def test_two_detectors_of_one_id_are_refused() -> None:
    with pytest.raises(PackInvalid, match=r"x\.y"):
        compile(RuleSetSpec(), (_pack(), _pack()))


def test_rule_sets_select_by_pack_and_id() -> None:
    def ids(**spec: Any) -> set[str]:
        return {d.id for d in compile(RuleSetSpec(**spec)).detectors}

    assert ids(include=("contact.email",)) == {"contact.email"}
    assert ids(include=("payment.yaml",)) == {d for d in DETECTORS if d.startswith("payment.")}
    assert ids(include=("government.*",), exclude=("government.us_*",)) < ids(include=("government.*",))
    assert ids(include=("nothing",)) == set()
    assert RuleSetSpec(include_assets=("public.*",), exclude_assets=("*.tmp_*",)).covers("public.orders")
    assert not RuleSetSpec(include_assets=("public.*",), exclude_assets=("*.tmp_*",)).covers("public.tmp_x")


def test_the_digest_covers_what_changes_a_report_and_nothing_else() -> None:
    base = compile(load_rule_set().value)
    spec = base.spec
    assert compile(spec, order=("contact.phone",)).digest == base.digest
    assert compile(spec, order=("contact.phone",)).order[0] == "contact.phone"
    assert compile(spec.model_copy(update={"title": "other", "include_assets": ("a",)})).digest == base.digest
    assert compile(spec.model_copy(update={"exclude": ("contact.email",)})).digest != base.digest
    assert compile(spec.model_copy(update={"text_limit": 1000})).digest != base.digest
    looser = compile(spec.model_copy(update={"min_match_share": 0.5}))
    assert looser.digest == base.digest
    assert looser.verdict_digest != base.verdict_digest
    changed = compile(RuleSetSpec(), (_pack(pattern="[0-9]{3}x?"),))
    assert changed.digest != compile(RuleSetSpec(), (_pack(),)).digest
    assert compile(RuleSetSpec(), (_pack(title="Another title"),)).digest == compile(RuleSetSpec(), (_pack(),)).digest


def test_compiled_rules_travel() -> None:
    rules = compile(load_rule_set().value)
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert CompiledRules.model_validate_json(rules.model_dump_json()) == rules


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("homePhone_No2", ("home", "phone", "number", "2")),
        ("patientphone", ("patient", "phone")),
        ("insurancememberno", ("insurance", "member", "number")),
        ("BRTH_DT", ("birth", "date")),
        ("percentage", ("percentage",)),
        ("SSNNumber", ("ssn", "number")),
        ("IPAddress", ("ip", "address")),
        ("customer.e-mail", ("customer", "e", "mail")),
        ("ÄRGER", ("arger",)),
        ("Prénom du client", ("prenom", "du", "client")),
        ("Straßen_Nr", ("strassen", "number")),
        ("дата_рождения", ("дата", "рождения")),
        ("", ()),
    ],
)
def test_names_are_split_into_words(name: str, words: tuple[str, ...]) -> None:
    assert split_name(name) == words


def test_phrases_are_whole_words() -> None:
    assert "dateofbirth" in phrases_of("customer_DateOfBirth")
    assert "ssn" not in phrases_of("lesson_number")
    assert "age" not in phrases_of("page")


def test_the_taxonomy_knows_every_class_and_tag() -> None:
    taxonomy = load_taxonomy().value
    tags = {tag for c in taxonomy.classes.values() for tag in c.tags}
    identifiers = (
        "name geographic date phone fax email ssn mrn health_plan account license vehicle device url ip biometric "
        "photo other"
    )
    assert {f"hipaa.identifier:{i}" for i in identifiers.split()} <= tags
    special = {"gdpr.special_category", "gdpr.criminal", "phi"}
    assert special | {"pci.pan", "pci.sad", "credential", "direct_identifier"} <= tags
    assert set(taxonomy.tags) == tags
    assert taxonomy.of("payment.card_number").sensitivity == "Restricted"
    of_texts = {"organisation.name", "location.country", "location.state"}  # told in texts only, by tier 3
    assert {d.data_class for d in DETECTORS.values()} | of_texts == set(taxonomy.classes)
    with pytest.raises(NotFound):
        taxonomy.of("no.such")


def test_the_most_sensitive_wins() -> None:
    assert most_sensitive(("Internal", "Restricted", "Public")) == "Restricted"
    assert most_sensitive(()) is None


def test_special_categories_are_restricted() -> None:
    for name, c in load_taxonomy().value.classes.items():
        if {"gdpr.special_category", "gdpr.criminal", "pci.sad", "pci.pan", "credential", "national_id"} & set(c.tags):
            assert c.sensitivity == "Restricted", name
        if {"phi", "gdpr.special_category", "direct_identifier", "quasi_identifier", "national_id"} & set(c.tags):
            assert "personal" in c.tags, name


def test_detectors_without_a_name_are_told_apart() -> None:
    assert not Detector.model_validate(DETECTORS["contact.email"].model_dump()).needs_name
    assert DETECTORS["payment.card.security_code"].needs_name
