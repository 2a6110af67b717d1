"""Assets that were renamed: the new one is hidden where the old one was, and both histories say what went over."""

from collections.abc import Iterator

import pytest
from catalog_site import Site, ident
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.contract import AssignDomain, ColumnLabel, MoveCuration, RecordLabels
from actors.catalog.history import state
from cluster.context import system
from cluster.errors import NotFound
from cluster.store.engine import make_engine

ALL = system("catalog")
MOVE = MoveCuration(source_id="s1", moves=((ident("people"), ident("customers")),))


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        site = Site(session)
        site.inventory(people="id email", other="id")
        yield site
    engine.dispose()


def renamed(site: Site) -> int:
    """The inventory lists the table under its new name; how many assets took something over."""
    site.inventory(customers="id email", other="id")
    return int(site.do(MOVE).changed)


def test_what_was_hidden_is_hidden_under_its_new_name_and_only_once(site: Site) -> None:
    secrets = site.domain("Secrets", "people", members=("ada",))
    assert renamed(site) == 1, "although nobody ever wrote a word about it"
    with pytest.raises(NotFound):
        queries.get_asset(site.session, ident("customers"), site.person("bob"))
    assert queries.get_asset(site.session, ident("customers"), site.person("ada")).domain_id == secrets
    assert site.do(MOVE).changed == 0


def test_the_place_of_a_table_goes_before_that_of_its_source_and_a_persons_choice_before_both(site: Site) -> None:
    house = site.domain("House")
    site.do(AssignDomain(domain_id=house, source_id="s1"))
    secrets = site.domain("Secrets", "people", members=("ada",))
    renamed(site)
    assert queries.get_asset(site.session, ident("customers")).domain_id == secrets
    site.do(AssignDomain(domain_id=house, assets=(ident("customers"),)))
    assert site.do(MOVE).changed == 0
    assert queries.get_asset(site.session, ident("customers"), site.person("bob")).domain_id == house


def test_versions_tell_of_labels_that_came_along(site: Site) -> None:
    label = ColumnLabel(
        asset_id=ident("people"), column="email", data_class="contact.email", sensitivity="Confidential",
        origin="automatic", state="automatic", confidence=1.0,
    )  # fmt: skip
    site.do(RecordLabels(source_id="s1", assets=(ident("people"),), labels=(label,)))
    site.inventory(customers="id email", other="id")
    names = (ident("people"), ident("customers"))
    before = [state(site.session, name, ALL) for name in names]
    site.do(MOVE)
    assert [state(site.session, name, ALL).labels for name in names] == [(), before[0].labels]
    again = [state(site.session, one.asset_id, ALL, one.version) for one in before]
    assert [one.model_dump(exclude={"at"}) for one in again] == [one.model_dump(exclude={"at"}) for one in before]
