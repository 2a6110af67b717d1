"""The glossary: terms and their states, thirteen relations, proposals that learn, files in and out."""

from collections.abc import Iterator
from typing import Any

import pytest
from catalog_site import Site, ident
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph
from rdflib.namespace import RDF, SKOS
from sqlalchemy.orm import Session

from actors.catalog import glossary_csv, glossary_skos, queries
from actors.catalog.contract import (
    ColumnLabel,
    DecideLink,
    DefineTerm,
    ImportGlossary,
    MoveTerm,
    RecordLabels,
    RecordVectors,
    RelatedTerm,
    RelateTerms,
    RemoveTerm,
    SuggestLinks,
    TermView,
)
from actors.catalog.glossary import INVERSE
from actors.catalog.link_reasons import WEIGHTS
from actors.catalog.linking import weights
from actors.catalog.phrases import pending
from actors.catalog.worker import embed
from cluster.context import Caller, system
from cluster.errors import Conflict, Forbidden, InvalidInput, NotFound
from cluster.store.engine import make_engine

ALL = system("catalog")
ADA = Caller(principal="ada", permissions=frozenset({"catalog:*"}))
BOB = Caller(principal="bob", permissions=frozenset({"catalog:*"}))


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


def term(site: Site, name: str, definition: str | None = None, **more: Any) -> str:
    return str(site.do(DefineTerm(name=name, definition=definition, **more), ADA).id)


def test_a_term_is_approved_by_another_than_who_proposed_it(site: Site) -> None:
    customer = term(site, "Customer", "Who buys.")
    with pytest.raises(Conflict):
        site.do(MoveTerm(term_id=customer, to="approved"), ADA)
    site.do(MoveTerm(term_id=customer, to="in_review"), ADA)
    with pytest.raises(Forbidden):
        site.do(MoveTerm(term_id=customer, to="approved"), ADA)
    assert site.do(MoveTerm(term_id=customer, to="approved"), BOB).status == "approved"
    assert site.do(DefineTerm(name="Customer", abbreviations=("cust",)), ADA).status == "approved"
    assert site.do(DefineTerm(name="Customer", definition="Who pays."), ADA).status == "draft"


def test_each_relation_is_read_from_both_sides_and_taken_back_from_either(site: Site) -> None:
    assert len(INVERSE) == 13
    one, other = term(site, "One"), term(site, "Other")
    for relation, inverse in INVERSE.items():
        view = site.do(RelateTerms(term_id=one, relation=relation, to_term=other), ADA)
        assert [(each.relation, each.name) for each in view.related] == [(relation, "Other")]
        back = queries.term_view(site.session, other, ALL)
        assert [(each.relation, each.name) for each in back.related] == [(inverse, "One")]
        site.do(RelateTerms(term_id=other, relation=inverse, to_term=one, remove=True), ADA)
        assert queries.term_view(site.session, one, ALL).related == ()


def test_there_is_no_circle(site: Site) -> None:
    a, b, c = (term(site, name) for name in "abc")
    site.do(RelateTerms(term_id=a, relation="isA", to_term=b), ADA)
    site.do(RelateTerms(term_id=c, relation="classifies", to_term=b), ADA)  # b isA c
    with pytest.raises(Conflict):
        site.do(RelateTerms(term_id=c, relation="isA", to_term=a), ADA)
    with pytest.raises(Conflict):
        site.do(RelateTerms(term_id=a, relation="seeAlso", to_term=a), ADA)
    site.do(DefineTerm(name="a", parent_id=b), ADA)
    with pytest.raises(Conflict):
        site.do(DefineTerm(name="b", parent_id=a), ADA)
    with pytest.raises(Conflict):
        site.do(RemoveTerm(term_id=b), ADA)
    site.do(RemoveTerm(term_id=a), ADA)
    with pytest.raises(NotFound):
        queries.term_view(site.session, a, ALL)


@pytest.fixture
def shop(site: Site) -> Site:
    site.inventory(
        customers="id phone_no email city", suppliers="id telephone contact_mobile", orders="id total phone",
        weather="id rainfall",
    )  # fmt: skip
    return site


def told(site: Site) -> None:
    waiting = pending(site.session, 10_000)
    answer = embed([text for _, text in waiting])
    assert answer is not None
    site.do(RecordVectors(model=answer[0], vectors=dict(zip((n for n, _ in waiting), answer[1], strict=True))))


def proposed(site: Site, term_id: str) -> dict[tuple[str, str], Any]:
    found = queries.links(site.session, ALL, term_id=term_id, status="proposed")
    return {(each.asset.removeprefix("public."), each.column): each for each in found}


def test_columns_are_proposed_with_reasons(shop: Site) -> None:
    phone = term(shop, "Phone number", "The number at which somebody is called.", abbreviations=("telephone",))
    told(shop)
    shop.do(SuggestLinks(term_id=phone), ADA)
    found = proposed(shop, phone)
    assert {("customers", "phone_no"), ("suppliers", "telephone")} <= set(found)
    assert not {("weather", "rainfall"), ("customers", "city"), ("orders", "total")} & set(found)
    best = found["customers", "phone_no"]
    assert best.reasons["name"] == 1.0
    assert best.reasons["meaning"] > 0.3
    assert best.confidence > 0.8


def test_what_people_decide_is_kept_and_learned_from(shop: Site) -> None:
    phone = term(shop, "Phone number", abbreviations=("phone",))
    shop.do(SuggestLinks(term_id=phone, least=0.3), ADA)
    before = proposed(shop, phone)
    assert weights(shop.session) == pytest.approx(WEIGHTS)
    shop.do(DecideLink(term_id=phone, asset_id=ident("customers"), column="phone_no", status="validated"), ADA)
    shop.do(DecideLink(term_id=phone, asset_id=ident("orders"), column="phone", status="rejected"), ADA)
    assert weights(shop.session)["name"] < WEIGHTS["name"]
    shop.inventory(customers="id phone_no email city", suppliers="id telephone contact_mobile", orders="id phone",
                   weather="id", contacts="id phone_no", visits="id phone")  # fmt: skip
    shop.do(SuggestLinks(term_id=phone, least=0.3), ADA)
    after = proposed(shop, phone)
    assert not {("orders", "phone"), ("customers", "phone_no")} & set(after)  # decided is decided
    assert after["contacts", "phone_no"].reasons["memory"] > 0
    assert after["contacts", "phone_no"].confidence > before["customers", "phone_no"].confidence
    assert ("visits", "phone") not in after or after["visits", "phone"].reasons["memory"] < 0
    assert queries.term_view(shop.session, phone, ALL).links == 1


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda name: name.strip() == name
)
VIEWS = st.dictionaries(
    NAMES, st.tuples(st.text("ab=,\"'\n|\\", max_size=8), st.lists(NAMES, max_size=2, unique=True)), max_size=5
)


@settings(max_examples=60, deadline=None)
@given(told=VIEWS)
def test_csv_comes_back_as_it_was(told: dict[str, Any]) -> None:
    names = list(told)
    views = [
        TermView(
            id=f"i{place}", name=name, definition=text or None, status="draft", abbreviations=tuple(short),
            parent_id="i0" if place else None, links=0, version=1,
            related=(RelatedTerm(relation="isA", term_id="i0", name=names[0]),) if place else (),
        )
        for place, (name, (text, short)) in enumerate(told.items())
    ]  # fmt: skip
    lines = glossary_csv.read(glossary_csv.written(views))
    assert [line.name for line in lines] == names
    for view, line in zip(views, lines, strict=True):
        assert line.definition.replace("\r\n", "\n") == (view.definition or "")
        assert line.abbreviations == view.abbreviations
        assert line.relations == tuple((each.relation, each.name) for each in view.related)


def test_a_formula_is_no_formula_in_a_spreadsheet() -> None:
    for cell in ("=1+1", "+1", "-1", "@x", "'quoted", "plain"):
        assert glossary_csv.plain(glossary_csv.safe(cell)) == cell
        assert not glossary_csv.safe(cell).startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("form", ["turtle", "rdfxml", "jsonld"])
def test_skos_is_valid_and_comes_back(site: Site, form: Any) -> None:
    person = term(site, "Person", "A human being.", abbreviations=("pers",))
    customer = term(site, "Customer & Co <x>", 'Who "buys".', parent_id=person)
    best = term(site, "Best customer", parent_id=customer)
    site.do(RelateTerms(term_id=customer, relation="isA", to_term=person), ADA)
    site.do(RelateTerms(term_id=customer, relation="antonyms", to_term=person), ADA)
    before = queries.terms(site.session, ALL)
    text = queries.glossary_written(before, form)
    graph = Graph().parse(data=text, format={"turtle": "turtle", "rdfxml": "xml", "jsonld": "json-ld"}[form])
    assert len(set(graph.subjects(RDF.type, SKOS.Concept))) == 3
    assert len(list(graph.triples((None, SKOS.broader, None)))) == 2  # the hierarchy, for tools that know SKOS alone
    for view in before:
        for each in view.related:
            site.do(RelateTerms(term_id=view.id, relation=each.relation, to_term=each.term_id, remove=True), ADA)
    site.do(RemoveTerm(term_id=best), ADA)
    site.do(RemoveTerm(term_id=customer), ADA)
    receipt = site.do(ImportGlossary(format=form, text=text), ADA)
    assert receipt.entries == 3
    again = queries.terms(site.session, ALL)
    assert [each.model_dump(exclude={"version"}) for each in again] == [
        each.model_dump(exclude={"version"}) for each in before
    ]
    assert site.do(ImportGlossary(format=form, text=text), ADA).changed == 0


SKOS_OF_OTHERS = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix ex: <http://ex.org/> .
@prefix adms: <http://www.w3.org/ns/adms#> .
ex:scheme a skos:ConceptScheme ; skos:prefLabel "Animals"@en ; skos:hasTopConcept ex:animal .
ex:dog a skos:Concept ; skos:prefLabel "Hund"@de, "Dog"@en-GB, "Chien"@fr ; skos:altLabel "Doggy"@en ;
  skos:definition "Ein Tier, das bellt"@de, "Barks"@en ; skos:broader ex:animal ; adms:status <http://ex.org/CURRENT> .
ex:animal skos:prefLabel "Animal"@en ; skos:narrower ex:cat ; skos:scopeNote "All of them"@en .
ex:cat a skos:Concept ; xl:prefLabel [ xl:literalForm "Cat"@en ] ; skos:exactMatch <http://other.org/cat> ;
  owl:deprecated true ; skos:related ex:dog .
"""


def test_skos_of_other_tools_is_understood(site: Site) -> None:
    assert site.do(ImportGlossary(format="turtle", text=SKOS_OF_OTHERS), ADA).entries == 3
    found = {each.name: each for each in queries.terms(site.session, ALL)}
    assert set(found) == {"Dog", "Animal", "Cat"}
    assert (found["Dog"].definition, found["Dog"].abbreviations) == ("Barks", ("Chien", "Hund", "Doggy"))
    assert [(each.relation, each.name) for each in found["Dog"].related] == [("isA", "Animal"), ("seeAlso", "Cat")]
    assert (found["Animal"].definition, found["Cat"].status, found["Dog"].status) == (
        "All of them", "deprecated", "draft")  # fmt: skip
    assert {each.name for each in found["Animal"].related} == {"Dog", "Cat"}
    assert [each.name for each in queries.search(site.session, "Hund")] == ["Dog"]


@pytest.mark.parametrize("context", [
    '"http://127.0.0.1:9/context"', '[{"a": "b:c"}, "file:///etc/passwd"]', '{"@import": "http://127.0.0.1:9/"}',
    '{"x": {"@id": "a:b", "@context": "http://127.0.0.1:9/"}}',
])  # fmt: skip
def test_no_context_is_fetched(context: str) -> None:
    with pytest.raises(InvalidInput, match="lies elsewhere"):
        glossary_skos.read(f'{{"@context": {context}, "@id": "a:b"}}', "jsonld")


def test_a_name_that_stands_twice_is_located(site: Site) -> None:
    with pytest.raises(InvalidInput, match="Entries 2 and 4"):
        site.do(ImportGlossary(format="csv", text="name\nA\nB\nA"), ADA)


def test_what_a_label_says_proposes_a_column_whatever_it_is_called(shop: Site) -> None:
    label = ColumnLabel(asset_id=ident("weather"), column="rainfall", data_class="contact.phone",
                        sensitivity="Confidential", origin="machine", state="automatic", confidence=0.9)  # fmt: skip
    shop.do(RecordLabels(source_id="s1", assets=(ident("weather"),), labels=(label,)))
    phone = term(shop, "Phone number")
    shop.do(SuggestLinks(term_id=phone), ADA)
    assert proposed(shop, phone)["weather", "rainfall"].reasons == {"label": 1.0}


def test_json_ld_says_the_same_as_turtle(site: Site) -> None:
    term(site, "Person", "A human being.")
    found = queries.terms(site.session, ALL)
    one = Graph().parse(data=glossary_skos.written(found, "jsonld"), format="json-ld")
    assert set(one) == set(Graph().parse(data=glossary_skos.written(found, "turtle"), format="turtle"))


@pytest.mark.parametrize(
    ("form", "text"),
    [("csv", ""), ("csv", "title\nx"), ("csv", "name,isA\nA,B"), ("csv", 'name\n"x'), ("csv", "name,status\nA,great"),
     ("csv", "name\nA\nA"), ("csv", "name,isA\nA,A"), ("turtle", "not turtle at all"), ("rdfxml", "<a>"),
     ("rdfxml", '<!DOCTYPE x [<!ENTITY a "b">]><rdf:RDF xmlns:rdf="x"/>'), ("csv", "name,parent\nA,B\nB,A"),
     ("turtle", "<a:b> <c:d> 'e' ."), ("jsonld", "{"), ("jsonld", "[]")],
)  # fmt: skip
def test_a_file_that_is_wrong_changes_nothing(site: Site, form: Any, text: str) -> None:
    with pytest.raises(InvalidInput):
        site.do(ImportGlossary(format=form, text=text), ADA)
    assert queries.terms(site.session, ALL) == []


def test_nobody_approves_by_importing(site: Site) -> None:
    site.do(ImportGlossary(format="csv", text="name,status\nA,approved"), ADA)
    (view,) = queries.terms(site.session, ALL)
    assert view.status == "in_review"
    with pytest.raises(Forbidden):
        site.do(MoveTerm(term_id=view.id, to="approved"), ADA)
