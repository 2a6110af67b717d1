"""Orders on a real PostgreSQL: masks and row filters tried by signing in as the role, deletion by age, erasure."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from compliance_estates import SOURCE, asset, label, source
from compliance_store import Store, person
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.compliance import queries
from actors.compliance.certificates import is_genuine
from actors.compliance.contract import (
    DecideOrder,
    Effect,
    Hold,
    KeepRecord,
    OrderEnforcement,
    OrderRetention,
    OrderRollback,
    OrderSubject,
    Policy,
    RecordOrder,
    Retention,
    RowFilter,
    Selector,
)
from actors.compliance.contract.policies import Condition
from actors.compliance.worker import carry_out
from cluster.connectors.interface import SourceAccess
from cluster.connectors.postgres import guarding
from cluster.connectors.postgres.guards import Guard, Method, plan
from cluster.errors import Conflict, Forbidden, InvalidInput, SextantError
from cluster.security.credentials import use_current_key, used_keys
from cluster.store.engine import reading

MAIL, NAME = "ada.lovelace@example.org", "Ada Lovelace"
PASSWORD = "restricted-1"


class House:
    """A source in a database of its own, orders on it, and a role that signs in."""

    def __init__(self, store: Store, url: str, role: str) -> None:
        self.store, self.url, self.role = store, make_url(url), role
        self.admin = psycopg.connect(self._conninfo(), autocommit=True)
        self.credential = {
            "username": SecretStr(self.url.username or ""),
            "password": SecretStr(str(self.url.password or "")),
        }
        host = f"{self.url.host}:{self.url.port}"
        self.access = SourceAccess(source_id=SOURCE, url=f"postgresql://{host}/{self.url.database}")

    def _conninfo(self, **changes: Any) -> str:
        return self.url.set(drivername="postgresql", **changes).render_as_string(hide_password=False)

    def sql(self, statement: str) -> None:
        self.admin.execute(statement.encode())

    def one(self, statement: str) -> Any:
        found = self.admin.execute(statement.encode()).fetchone()
        return found[0] if found else None

    def as_role(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._conninfo(username=self.role, password=PASSWORD), autocommit=True)

    def done(self, order: Any) -> Any:
        """Has the order's work done, as the actor would by a worker, and records what came of it."""
        with reading(self.store.engine) as session:
            (job,) = [one for one in queries.jobs(session) if one.id == order.id]
        state: Any = job.state
        try:
            result, problem = carry_out(job), None
        except SextantError as error:
            result, problem = None, str(error)
        return self.store.do(RecordOrder(order_id=job.id, of_state=state, result=result, problem=problem))

    def approved(self, order: Any, by: str = "bob") -> Any:
        return self.store.do(DecideOrder(order_id=order.id, approve=True), person(by))

    def through(self, command: Any) -> Any:
        """Asked for by one person, planned, approved by another, and done."""
        planned = self.done(self.store.do(command, person("ada")))
        assert planned.state == "planned", planned.problem
        self.approved(planned)
        return self.done(planned)


@pytest.fixture
def house(database_url: str, empty_database_url: str) -> Iterator[House]:
    store = Store(database_url)
    made = House(store, empty_database_url, f"analyst_{make_url(empty_database_url).database}")
    made.sql(f"CREATE ROLE {made.role} LOGIN PASSWORD '{PASSWORD}'")
    made.sql("CREATE TABLE cards (id int PRIMARY KEY, pan text, mail text, born date, country text)")
    made.sql(
        "INSERT INTO cards SELECT g, '411111111111' || (1000 + g), 'p' || g || '@example.org', "
        "DATE '1980-01-01' + g, CASE WHEN g % 2 = 0 THEN 'de' ELSE 'fr' END FROM generate_series(1, 20) g"
    )
    made.sql(f"GRANT SELECT ON cards TO {made.role}")
    yield made
    made.admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(made.role)))
    made.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(made.role)))
    made.admin.close()
    store.engine.dispose()


def cards(**changes: Any) -> list[Any]:
    columns = {"pan": [label("pci.pan")], "mail": [label("direct_identifier")], "country": [], "born": []}
    drafts = asset("cards", columns, **changes)
    return [
        draft.model_copy(update={"value": draft.value | {"path": "public.cards"}}) if draft.kind == "asset" else draft
        for draft in drafts
    ]


def policy(house: House, name: str = "mask", **changes: Any) -> Any:
    body = {
        "name": name, "targets": Selector(tags=("pci.pan",)), "rule": "prohibition",
        "condition": Condition(roles=(house.role,)), "effects": (Effect(kind="mask", method="last4"),),
    }  # fmt: skip
    return house.store.do(KeepRecord(body=Policy(**body | changes)), person("ada"))


def enforcement(house: House, **changes: Any) -> OrderEnforcement:
    return OrderEnforcement(access=house.access, credential=house.credential, **changes)


def masked(house: House) -> str:
    house.store.evaluate("pci_dss")
    (found,) = house.store.find("3.4.1")
    return str(found.verdict)


def test_masks_are_planned_applied_proved_by_signing_in_and_taken_back(house: House) -> None:
    house.store.record(source(), *cards())
    policy(house)
    assert masked(house) == "FAIL"
    planned = house.done(house.store.do(enforcement(house), person("ada")))
    assert (planned.state, planned.plan["blockers"]) == ("planned", [])
    assert any("REVOKE SELECT" in step["statement"] for step in planned.plan["steps"])
    with Session(house.store.engine) as session, session.begin():  # its secrets are rotated like credentials
        assert list(used_keys(session).values()) == [1]
        assert use_current_key(session, new_data_keys=True) == 1
    with house.as_role() as connection:  # a dry run changes nothing
        assert connection.execute("SELECT pan FROM cards").fetchone() is not None
    with pytest.raises(Forbidden):
        house.approved(planned, "ada")
    half = person("bob").model_copy(update={"limited": True})
    with pytest.raises(Forbidden, match="hidden from you"):
        house.store.do(DecideOrder(order_id=planned.id, approve=True), half)
    house.approved(planned)
    done = house.done(planned)
    assert (done.state, done.outcome["verified"]) == ("done", True)
    assert masked(house) == "PASS"
    with house.as_role() as connection:
        with pytest.raises(InsufficientPrivilege):
            connection.execute("SELECT pan FROM cards")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("SELECT * FROM cards")
        assert connection.execute("SELECT count(mail) FROM cards").fetchone() == (20,)
        view = sql.Identifier("sextant_masked", f"public__cards__{house.role}")
        rows = connection.execute(sql.SQL("SELECT pan, mail FROM {} ORDER BY id").format(view)).fetchall()
    assert rows[0] == ("****1001", "p1@example.org")
    again = house.done(house.store.do(enforcement(house), person("ada")))
    assert again.plan["steps"] == []
    back = house.through(OrderRollback(order_id=done.id, access=house.access, credential=house.credential))
    assert back.state == "done"
    assert masked(house) == "FAIL"
    with house.as_role() as connection:
        assert connection.execute("SELECT pan FROM cards WHERE id = 1").fetchone() == ("4111111111111001",)
    with pytest.raises(Conflict, match="taken back already"):
        house.store.do(OrderRollback(order_id=done.id, access=house.access), person("ada"))


def test_row_filters_show_the_rows_that_fit_to_the_role_and_all_to_others(house: House) -> None:
    house.store.record(source(), *cards())
    rows = RowFilter(column="country", values=("de",))
    policy(house, "rows", rule="permission", effects=(), rows=rows)
    done = house.through(enforcement(house))
    assert done.outcome["verified"]
    with house.as_role() as connection:
        assert connection.execute("SELECT count(*), max(country) FROM cards").fetchone() == (10, "de")
    assert house.one("SELECT count(*) FROM cards") == 20
    policy(house)  # masked as well: the filter has to stand in the view too
    assert house.through(enforcement(house)).outcome["verified"]
    with house.as_role() as connection:
        view = sql.Identifier("sextant_masked", f"public__cards__{house.role}")
        assert connection.execute(sql.SQL("SELECT count(pan) FROM {}").format(view)).fetchone() == (10,)


def test_a_role_that_is_denied_reads_nothing(house: House) -> None:
    house.store.record(source(), *cards())
    policy(house, effects=(Effect(kind="deny"),))
    assert house.through(enforcement(house)).outcome["verified"]
    with house.as_role() as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT id FROM cards")


def test_what_would_defeat_an_order_stands_in_its_way(house: House) -> None:
    house.store.record(source(), *cards())
    policy(house)
    house.sql("GRANT SELECT ON cards TO PUBLIC")
    planned = house.done(house.store.do(enforcement(house), person("ada")))
    assert "PUBLIC may read" in planned.plan["blockers"][0]
    with pytest.raises(Conflict, match="stands in the way"):
        house.approved(planned)
    assert house.through(enforcement(house, take_from_public=True)).outcome["verified"]
    with house.as_role() as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT pan FROM cards")


def test_an_order_on_a_database_that_has_changed_since_does_nothing(house: House) -> None:
    house.store.record(source(), *cards())
    policy(house)
    planned = house.done(house.store.do(enforcement(house), person("ada")))
    house.approved(planned)
    house.sql("ALTER TABLE cards ADD COLUMN note text")
    failed = house.done(planned)
    assert (failed.state, failed.problem.startswith("The database has changed")) == ("failed", True)
    with house.as_role() as connection:
        assert connection.execute("SELECT pan FROM cards").fetchone() is not None


def test_what_a_database_cannot_decide_is_left_and_said(house: House) -> None:
    house.store.record(source(), *cards())
    policy(house, condition=Condition(roles=(house.role,), purposes=("billing",)))
    with pytest.raises(InvalidInput, match="does not know purposes"):
        house.store.do(enforcement(house), person("ada"))


def test_every_mask_hides_every_type(house: House) -> None:
    rows = {"autocommit": True, "row_factory": psycopg.rows.dict_row}
    asrole = house._conninfo(username=house.role, password=PASSWORD)
    with psycopg.connect(house._conninfo(), **rows) as owner, psycopg.connect(asrole, **rows) as restricted:
        for method in get_args(Method):
            guard = Guard(
                table=("public", "cards"), role=house.role, masks=dict.fromkeys(("id", "mail", "born"), method)
            )
            guarding.apply(owner, plan([(guard, guarding.state(owner, guard))]).steps)
            proofs = guarding.verify(owner, restricted, guard, "login")
            assert [proof.passed for proof in proofs] == [True] * 6, (method, proofs)


def test_a_mask_that_shows_the_values_is_not_passed_off_as_one(house: House) -> None:
    guard = Guard(table=("public", "cards"), role=house.role, masks={"pan": "full"})
    house.sql("CREATE SCHEMA sextant_masked")
    house.sql(f'CREATE VIEW sextant_masked."public__cards__{house.role}" AS SELECT * FROM cards')
    house.sql(f"GRANT USAGE ON SCHEMA sextant_masked TO {house.role}")
    house.sql(f'GRANT SELECT ON sextant_masked."public__cards__{house.role}" TO {house.role}')
    with (
        psycopg.connect(house._conninfo(), autocommit=True, row_factory=psycopg.rows.dict_row) as owner,
        psycopg.connect(
            house._conninfo(username=house.role, password=PASSWORD), autocommit=True, row_factory=psycopg.rows.dict_row
        ) as restricted,
    ):
        proofs = guarding.verify(owner, restricted, guard, "login")
    assert [proof.passed for proof in proofs] == [False, False]


def retention(house: House, **changes: Any) -> Any:
    body = Retention(name="Year", targets=Selector(tags=("pci.pan",)), days=365, clock="at", justification="needed")
    return house.store.do(KeepRecord(body=body.model_copy(update=changes)), person("ada"))


def test_retention_deletes_what_is_too_old_with_approval_and_proof_and_a_hold_wins(house: House) -> None:
    today = house.store.now.date()
    house.sql("ALTER TABLE cards ADD COLUMN at timestamptz")
    house.sql(
        f"UPDATE cards SET at = CASE WHEN id <= 8 THEN TIMESTAMPTZ '{today - timedelta(days=500)}' "
        f"WHEN id <= 10 THEN NULL WHEN id <= 11 THEN TIMESTAMPTZ '2090-01-01' ELSE TIMESTAMPTZ '{today}' END"
    )
    house.store.record(source(), *cards())
    kept = retention(house)
    order = OrderRetention(retention_id=kept.id, access=house.access, credential=house.credential)
    planned = house.done(house.store.do(order, person("ada")))
    (told,) = planned.plan["tables"]
    assert (told["rows"], told["due"], told["without_time"], told["future"]) == (20, 8, 2, 1)
    assert house.one("SELECT count(*) FROM cards") == 20
    hold = Hold(name="Court", targets=Selector(paths=("public.cards",)), reason="a case")
    held = house.store.do(KeepRecord(body=hold), person("eve"))
    house.approved(planned)  # the hold came after the plan, and wins all the same
    done = house.done(planned)
    assert (done.outcome["deleted"], done.outcome["held"]) == ({}, ["public.cards"])
    assert house.one("SELECT count(*) FROM cards") == 20
    house.store.do(
        KeepRecord(record_id=held.id, body=hold.model_copy(update={"until": date(2020, 1, 1)})), person("eve")
    )
    done = house.through(order)
    assert (done.outcome["deleted"], done.outcome["left_due"], done.outcome["complete"]) == (
        {"public.cards": 8},
        0,
        True,
    )
    assert house.one("SELECT count(*) FROM cards") == 12


@pytest.mark.parametrize(("clock", "said"), [("pan", "holds no times"), ("nothing", "no table with a column")])
def test_a_clock_that_is_none_deletes_nothing(house: House, clock: str, said: str) -> None:
    house.store.record(source(), *cards())
    kept = retention(house, clock=clock)
    order = OrderRetention(retention_id=kept.id, access=house.access, credential=house.credential)
    planned = house.done(house.store.do(order, person("ada")))
    assert said in planned.plan["tables"][0]["problem"]
    house.approved(planned)
    assert (house.done(planned).outcome["deleted"], house.one("SELECT count(*) FROM cards")) == ({}, 20)


def plant(house: House, folder: Path, by_hand: bool) -> None:
    """A subject in 40 assets: customers, 20 tables that refer to them, 13 with the address, tickets, five copies."""
    house.sql("CREATE TABLE customers (customer_id int PRIMARY KEY, mail text, name text)")
    house.sql(f"INSERT INTO customers VALUES (17, '{MAIL}', '{NAME}'), (18, 'other@example.org', 'Other')")
    for number in range(20):
        house.sql(
            f"CREATE TABLE orders_{number} (id serial PRIMARY KEY, customer_id int REFERENCES customers, total int)"
        )
        house.sql(f"INSERT INTO orders_{number} (customer_id, total) VALUES (17, 5), (17, 6), (18, 7)")
    for number in range(13):
        house.sql(f"CREATE TABLE contacts_{number} (who text, city text)")
        house.sql(f"INSERT INTO contacts_{number} VALUES (' {MAIL.upper()} ', 'Berlin'), ('x@example.org', 'Paris')")
    house.sql("CREATE TABLE tickets (id int, body text)")
    house.sql(f"INSERT INTO tickets VALUES (1, 'Please call {MAIL}, thanks'), (2, 'nothing')")
    for number in range(3):  # copies that nobody declared, under names that say nothing
        house.sql(f"CREATE TABLE tmp_{number} AS SELECT customer_id AS a, mail AS b, name AS c FROM customers")
    house.sql("CREATE TABLE export_old AS SELECT customer_id, 1 AS flag FROM customers")
    copies = [f"copy_{number}.csv" for number in range(1 if by_hand else 0)]
    if not by_hand:
        house.sql("CREATE TABLE tmp_json AS SELECT jsonb_build_object('m', mail) AS doc FROM customers")
    for name in copies:
        (folder / name).write_text(f"m,n\n{MAIL},1\nother@example.org,2\n")


def request(house: House, kind: Any, folder: Path) -> OrderSubject:
    files = SourceAccess(source_id="files", url=folder.as_uri())
    return OrderSubject(
        kind=kind, keys=(SecretStr(f" {MAIL} "), SecretStr(NAME)), accesses=(house.access, files),
        credentials={SOURCE: house.credential},
    )  # fmt: skip


def test_a_subject_in_forty_assets_is_found_everywhere_and_erased_with_a_certificate(
    house: House, tmp_path: Path
) -> None:
    plant(house, tmp_path, by_hand=False)
    planned = house.done(house.store.do(request(house, "erasure", tmp_path), person("ada")))
    found = {one["asset"]: one for one in planned.plan["found"]}
    assert len(found) == 40
    assert "cards" not in str(sorted(found))
    assert found["public.orders_3"]["led_to_by_key"] == ["customer_id"]
    assert found["public.tickets"]["inside_text"] == ["body"]
    assert found["public.export_old"]["rows"] == 1
    house.approved(planned)
    done = house.done(planned)
    assert done.state == "done", done.problem
    certificate = done.outcome
    assert (certificate["complete"], certificate["left"], certificate["unverified"]) == (True, [], [])
    assert len(certificate["found"]) == len(certificate["erased"]) == 40
    assert is_genuine(certificate)
    assert not is_genuine(certificate | {"left": ["x"]})
    assert house.one("SELECT count(*) FROM customers") == 1
    assert house.one("SELECT count(*) FROM orders_3") == 1
    assert house.one("SELECT body FROM tickets WHERE id = 1") == "Please call [erased], thanks"
    assert house.one("SELECT count(*) FROM cards") == 20
    with reading(house.store.engine) as session:
        told = queries.get_order(session, done.id).model_dump_json()
    assert MAIL not in told.lower()
    with reading(house.store.engine) as session:
        assert used_keys(session) == {}


def test_with_one_copy_left_the_certificate_fails_and_names_it(house: House, tmp_path: Path) -> None:
    plant(house, tmp_path, by_hand=True)
    planned = house.done(house.store.do(request(house, "erasure", tmp_path), person("ada")))
    assert len(planned.plan["found"]) == 40
    house.approved(planned)
    done = house.done(planned)
    assert done.outcome["complete"] is False
    assert [(one["source"], one["asset"], one["method"]) for one in done.outcome["left"]] == [
        ("files", "copy_0.csv", "by hand")
    ]
    house.store.record(source(), *asset("p", {"m": [label("personal")]}))
    house.store.evaluate("gdpr")
    (judged,) = house.store.find("12(3)")
    assert (judged.verdict, "left data behind" in judged.reason) == ("FAIL", True)


def test_what_cannot_be_read_is_named_and_a_hold_keeps(house: House, tmp_path: Path) -> None:
    plant(house, tmp_path, by_hand=False)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    contacts = asset("c", {"who": [label("direct_identifier")]})
    contacts[0] = contacts[0].model_copy(update={"value": contacts[0].value | {"path": "public.contacts_0"}})
    house.store.record(source(), *contacts)
    held = Hold(name="Court", targets=Selector(paths=("public.contacts_0",)), reason="a case")
    house.store.do(KeepRecord(body=held), person("eve"))
    done = house.through(request(house, "erasure", tmp_path))
    assert done.outcome["complete"] is False
    assert [(one["asset"], one["method"]) for one in done.outcome["left"]] == [
        ("public.contacts_0", "keep: legal hold")
    ]
    assert "broken.parquet" in [one["asset"] for one in done.outcome["unverified"]]
    assert house.one("SELECT count(*) FROM contacts_0") == 2


def test_a_request_for_access_ends_with_where_the_person_is(house: House, tmp_path: Path) -> None:
    plant(house, tmp_path, by_hand=False)
    done = house.done(house.store.do(request(house, "access", tmp_path), person("ada")))
    assert (done.state, len(done.plan["found"])) == ("done", 40)
    assert done.due_at == house.store.now.date() + timedelta(days=30)
