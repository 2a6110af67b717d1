"""Search: mistyped words, questions in sentences, meaning, facets, and what nobody else may see."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from catalog_site import SHOP, Site, ident, table
from sqlalchemy import text
from sqlalchemy.orm import Session

from actors.catalog import phrases, queries, vectors, vocabulary
from actors.catalog.contract import DeriveLineage, PrepareSearch, RecordInventory, RecordVectors, TellUse
from actors.catalog.finding import Asked, fused, nearest
from actors.catalog.queries import AssetFilter
from actors.catalog.worker import embed
from cluster.connectors.interface import AssetInfo
from cluster.errors import NotFound
from cluster.store.engine import make_engine


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


@pytest.fixture
def shop(site: Site) -> Site:
    site.inventory(
        customers="id full_name phone_no email_address", invoices="id total currency paid_at",
        weather="station rainfall temperature", suppliers="id company contact_mobile",
    )  # fmt: skip
    return site


def told(site: Site) -> None:
    """Gives every phrase its vector, as the group's loop does."""
    waiting = phrases.pending(site.session, 10_000)
    answer = embed([words for _, words in waiting])
    assert answer is not None
    model, found = answer
    site.do(RecordVectors(model=model, vectors=dict(zip((number for number, _ in waiting), found, strict=True))))


def question(words: str) -> Asked:
    answer = embed([words])
    assert answer is not None
    return Asked(words, answer[1][0], answer[0])


def names(site: Site, asked: str | Asked, **options: object) -> list[str]:
    return [each.name for each in queries.search(site.session, asked, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mistyped", "right"),
    [("custmers", "customers"), ("cusotmers", "customers"), ("invioces", "invoices"), ("rainfal", "weather"),
     ("temperatrue", "weather"), ("currancy", "invoices")],
)  # fmt: skip
def test_a_mistyped_word_is_found(shop: Site, mistyped: str, right: str) -> None:
    assert names(shop, mistyped)[:1] == [right]


def test_what_is_no_mistyping_finds_nothing(shop: Site) -> None:
    for other in ("zebra", "custard", "cat", "xx"):
        assert names(shop, other) == [], other


def test_edits_count_letters_added_left_out_replaced_and_swapped() -> None:
    pairs = {("phone", "phone"): 0, ("phone", "phones"): 1, ("phone", "hpone"): 1, ("phone", "phome"): 1,
             ("phone", "bone"): 2, ("phone", "table"): 3, ("", "ab"): 2}  # fmt: skip
    for (one, other), distance in pairs.items():
        assert vocabulary.edits(one, other, 2) == min(distance, 3), (one, other)
        assert vocabulary.edits(other, one, 2) == min(distance, 3), (other, one)


def test_a_sentence_is_understood_by_its_words(shop: Site) -> None:
    assert names(shop, "where are the customers' phones?")[0] == "customers"
    assert names(shop, "Which tables hold currencies?") == ["invoices"]
    assert set(names(shop, "phone currency")) == {"customers", "invoices"}  # none has both


@pytest.mark.parametrize("asked", [
    "wo sind die Telefonnummern der Kunden?", "Kundentelefonnummern", "où sont les téléphones des clients ?",
    "¿dónde están los teléfonos de los clientes?", "waar staan de telefoonnummers van klanten?", "client mobiles",
])  # fmt: skip
def test_questions_in_other_languages_and_words_are_understood(shop: Site, asked: str) -> None:
    assert names(shop, asked)[0] == "customers"


def test_a_model_of_english_is_asked_in_english() -> None:
    assert queries.english("Wo sind die Telefonnummern der Kunden?") == "phone customer"
    assert queries.english("Kreditkartennummern von Zorg") == "card zorg"
    for other in ("where are clients' phones?", "zorg", "", "personal data"):
        assert queries.english(other) == other


def test_what_is_called_as_asked_comes_first(site: Site) -> None:
    site.inventory(
        customer_value="customer customer_name total", customers="id a b c d e f g h i j k l m n o p q r s t u v w x",
        best_customers="customer", orders_customers="customers customer",
    )  # fmt: skip
    told(site)
    for asked in ("customers", "customer", "custmers", "public.customers", "who are our customers", "Kunden"):
        assert names(site, question(queries.english(asked)))[0] == "customers", asked
        assert names(site, asked)[0] == "customers", asked
    assert names(site, "Customer Value")[0] == "customer_value"
    hidden = site.domain("Secret", "customers", members=("ada",))
    assert "customers" not in names(site, "customers", caller=site.person("bob")), hidden


def test_operators_are_obeyed_and_nothing_is_added_to_them(shop: Site) -> None:
    told(shop)
    assert set(names(shop, "id -company")) == {"customers", "invoices"}
    assert names(shop, question('"full name"')) == ["customers"]
    assert set(names(shop, "rainfall or currency")) == {"weather", "invoices"}


def test_a_question_finds_by_meaning_what_has_none_of_its_words(shop: Site) -> None:
    told(shop)
    assert names(shop, "precipitation") == []
    assert set(names(shop, question("mobile number"))[:2]) == {"customers", "suppliers"}
    assert names(shop, question("where are customers' phone numbers?"))[0] == "customers"
    assert names(shop, question("precipitation"))[0] == "weather"


def test_the_index_of_vectors_and_the_comparison_one_by_one_agree(shop: Site) -> None:
    told(shop)
    asked = question("mobile number")
    assert not vectors.indexed(shop.session)
    alone = nearest(shop.session, asked)
    assert alone
    shop.do(PrepareSearch(model=asked.model))
    if not vectors.indexed(shop.session):
        pytest.skip("this PostgreSQL has no pgvector")
    assert nearest(shop.session, asked)[:3] == alone[:3]
    plan = "\n".join(
        shop.session.execute(
            text(
                "EXPLAIN SELECT id FROM catalog.phrase WHERE vector IS NOT NULL ORDER BY"
                " (vector::public.halfvec(384)) OPERATOR(public.<=>) (SELECT vector::public.halfvec(384) FROM"
                " catalog.phrase LIMIT 1) LIMIT 3"
            )
        ).scalars()
    )
    assert "phrase" in plan


def test_vectors_of_another_model_are_asked_for_again(shop: Site) -> None:
    told(shop)
    assert phrases.pending(shop.session) == []
    shop.do(PrepareSearch(model="another"))
    assert phrases.pending(shop.session) != []
    assert nearest(shop.session, question("telephone")) == []


def test_documents_of_an_older_kind_are_made_anew(shop: Site) -> None:
    assert shop.do(PrepareSearch(model=None)).changed == 0
    shop.session.execute(text("UPDATE catalog.asset SET document = to_tsvector('simple', 'old') WHERE name < 'm'"))
    assert names(shop, "customers") == []
    assert shop.do(PrepareSearch(model=None)).changed == 2
    assert names(shop, "customers") == ["customers"]
    assert shop.do(PrepareSearch(model=None)).changed == 0


def test_fusion_puts_first_what_both_lists_hold() -> None:
    assert fused([["a", "b", "c"], ["b", "d"]])[0] == "b"
    assert fused([["a", "b"], []]) == ["a", "b"]


def test_what_is_used_more_comes_first(site: Site) -> None:
    site.inventory(orders_a="id total", orders_b="id total")
    site.do(TellUse(day=datetime.now(UTC).date(), uses={ident("orders_b"): 5_000, "nobody": 3}))
    assert names(site, "orders") == ["orders_b", "orders_a"]
    site.do(TellUse(day=datetime.now(UTC).date(), uses={ident("orders_b"): 0, ident("orders_a"): 9}))
    assert names(site, "orders") == ["orders_a", "orders_b"]
    site.do(TellUse(day=date(2020, 1, 1), uses={ident("orders_b"): 10_000}))  # too long ago to count
    assert names(site, "orders") == ["orders_a", "orders_b"]


def test_a_name_that_holds_all_words_comes_first_however_much_else_it_has(site: Site) -> None:
    site.inventory(customers_csv="id full_name phone_no email_address city street note", orders_csv="customers")
    assert names(site, "customers.csv")[0] == "customers_csv"


def test_facets_count_what_matches(shop: Site) -> None:
    shop.describe("customers", tags=("crm", "gold"), tier="tier1")
    shop.describe("invoices", tags=("crm",))
    counts = queries.facets(shop.session, None)
    assert (counts.total, counts.exact) == (4, True)
    assert counts.facets["kind"] == {"table": 4}
    assert counts.facets["tag"] == {"crm": 2, "gold": 1}
    assert counts.facets["tier"] == {"tier1": 1}
    assert counts.facets["lifecycle"] == {"active": 2, "discovered": 2}
    assert queries.facets(shop.session, "crm", AssetFilter(tier="tier1")).total == 1
    assert queries.facets(shop.session, "?!").total == 0


def test_pages_follow_each_other_and_a_foreign_cursor_is_refused(site: Site) -> None:
    site.inventory(**{f"orders_{number:02}": "id" for number in range(25)})
    every = names(site, "orders", limit=100)
    assert len(every) == 25
    first = queries.search(site.session, "orders", limit=10)
    second = queries.search(site.session, "orders", after=first[-1].id, limit=10)
    assert [each.name for each in (*first, *second)] == every[:20]
    with pytest.raises(NotFound):
        queries.search(site.session, "orders", after="nope")


def test_what_is_hidden_is_neither_found_nor_counted(shop: Site) -> None:
    told(shop)
    domain = shop.domain("Secrets", "suppliers", "weather", members=("ada", "role:steward"))
    ada, bob = shop.person("ada"), shop.person("bob")
    steward, admin = shop.person("eve", "steward"), shop.person("root", permissions=("*",))
    for asked in ("rainfall", "rainfal", question("precipitation"), question("contact mobile"), "suppliers"):
        assert not {"weather", "suppliers"} & set(names(shop, asked, caller=bob)), asked
    for may in (ada, steward, admin):
        assert names(shop, "rainfall", caller=may) == ["weather"]
    assert queries.facets(shop.session, None, caller=bob).facets["kind"] == {"table": 2}
    assert queries.facets(shop.session, None, caller=ada).facets["kind"] == {"table": 4, "domain": 1}
    assert [each.id for each in queries.domains(shop.session, ada)] == [domain]
    assert queries.domains(shop.session, bob) == []
    with pytest.raises(NotFound):
        queries.get_asset(shop.session, ident("weather"), bob)


def test_lineage_does_not_lead_through_what_is_hidden(site: Site) -> None:
    chain = ("raw", "clean", "mart", "report")
    views = [
        AssetInfo(path=f"public.{name}", kind="view", columns=table(name, "x").columns,
                  definition=f"SELECT x FROM public.{before}")
        for before, name in pairwise(chain)
    ]  # fmt: skip
    site.do(RecordInventory(source=SHOP, assets=(table("raw", "x"), *views), complete=True))
    site.do(DeriveLineage(source_id="s1"))
    site.domain("Secrets", "clean", members=("ada",))
    for start in ("raw", "mart", "report"):
        told = queries.lineage(site.session, ident(start), 5, caller=site.person("bob"))
        assert "public.clean" not in told.assets.values(), start
        assert set(told.assets.values()) == ({"public.raw"} if start == "raw" else {"public.mart", "public.report"})
        every = queries.lineage(site.session, ident(start), 5, caller=site.person("ada"))
        assert len(every.assets) == 4, start
    assert queries.get_asset(site.session, ident("mart"), site.person("bob")).definition is None
    assert queries.get_asset(site.session, ident("mart"), site.person("ada")).definition is not None
