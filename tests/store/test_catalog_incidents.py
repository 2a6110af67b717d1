"""Monitors, incidents, and alerts: what is noticed, who is told, and what is never sent anywhere."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from catalog_site import SHOP, Site, ident, table
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.catalog import alerts, queries
from actors.catalog.contract import (
    CheckMonitors,
    CheckOutcome,
    DefineChannel,
    DefineMonitor,
    DefineTest,
    MoveIncident,
    OpenIncident,
    RecordDelivery,
    RecordInventory,
    RecordOutcomes,
    RemoveChannel,
    RunTests,
)
from actors.catalog.delivery import Undelivered, deliver
from cluster.context import system
from cluster.errors import AddressRefused, Conflict, InvalidInput, NotFound
from cluster.security import network
from cluster.settings import settings as configured
from cluster.store.engine import make_engine

ALL = system("catalog")
MAIL = {"host": "127.0.0.1", "sender": "s@example.org", "tls": "none"}
START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


def seen(site: Site, day: float, columns: str = "id total", rows: int = 100, mark: str | None = None) -> None:
    facts = table("orders", *columns.split(), fingerprint=mark or f"f{day}", rows_estimate=rows)
    at = START + timedelta(days=day)
    site.do(RecordInventory(source=SHOP, assets=(facts,), complete=True), at=at)


def checked(site: Site, day: float) -> None:
    site.do(CheckMonitors(seconds=0), at=START + timedelta(days=day))


def state(site: Site) -> str:
    (monitor,) = queries.monitors(site.session, ALL)
    return str(monitor.state)


def open_ones(site: Site) -> list[Any]:
    return [each for each in queries.incidents(site.session, ALL) if each.state != "Resolved"]


def test_freshness_is_learned_from_how_often_the_content_changed(site: Site) -> None:
    seen(site, 0)
    site.do(DefineMonitor(asset_id=ident("orders"), kind="freshness", severity=1))
    checked(site, 0)
    assert state(site) == "unknown"
    for day in range(1, 10):
        seen(site, day)
    checked(site, 10)
    assert state(site) == "ok"
    checked(site, 12.5)
    (incident,) = open_ones(site)
    assert (state(site), incident.severity) == ("breached", 1)
    assert incident.title.startswith("The content has not changed for 84.0 hours")
    checked(site, 12.6)
    assert open_ones(site)[0].occurrences == 2
    seen(site, 12.7)
    checked(site, 12.8)
    assert (state(site), open_ones(site)) == ("ok", [])
    assert queries.incidents(site.session, ALL)[0].reason == "Recovered"


def states(site: Site) -> dict[str, str]:
    return {each.kind: each.state for each in queries.monitors(site.session, ALL)}


def test_volume_schema_and_given_bounds(site: Site) -> None:
    for day in range(9):
        seen(site, day, rows=1_000 + day)
    site.do(DefineMonitor(asset_id=ident("orders"), kind="volume"), at=START + timedelta(days=9))
    site.do(DefineMonitor(asset_id=ident("orders"), kind="schema_change"), at=START + timedelta(days=9))
    site.do(DefineMonitor(asset_id=ident("orders"), kind="freshness", parameters={"max_hours": 48}))
    checked(site, 9)
    assert open_ones(site) == []
    assert states(site)["schema_change"] == "ok"
    seen(site, 10, columns="id amount currency", rows=3)
    checked(site, 10.1)
    assert sorted(each.title.split(";")[0] for each in open_ones(site)) == [
        "The columns changed: 2 added, 1 removed", "The number of rows is 3"]  # fmt: skip
    checked(site, 10.2)
    assert len(open_ones(site)) == 2  # the change of columns is not over because it is a while ago
    assert states(site)["schema_change"] == "breached"
    (changed,) = [each for each in open_ones(site) if each.title.startswith("The columns")]
    site.do(MoveIncident(incident_id=changed.id, to="Resolved", reason="Fixed"))
    checked(site, 10.3)
    assert states(site)["schema_change"] == "ok"
    for wrong in ({"min": "many"}, {"weight": 3}, {"min": 5, "max": 1}, {"max": -1}):
        with pytest.raises(InvalidInput):
            site.do(DefineMonitor(asset_id=ident("orders"), kind="volume", parameters=wrong))


def test_a_failed_test_opens_an_incident_and_a_passed_one_ends_it(site: Site) -> None:
    seen(site, 0)
    site.describe("orders", owner="sales")
    test = site.do(DefineTest(asset_id=ident("orders"), definition="columnValuesToBeUnique", column="id", severity=2))

    def outcome(status: Any) -> None:
        run = site.do(RunTests(asset_id=ident("orders")))
        site.do(RecordOutcomes(run_id=run.id, outcomes=(CheckOutcome(test_id=test.id, status=status),)))

    outcome("Failed")
    (incident,) = open_ones(site)
    assert (incident.owner, incident.severity, incident.state) == ("sales", 2, "New")
    outcome("Aborted")
    assert len(open_ones(site)) == 1
    outcome("Success")
    assert open_ones(site) == []
    outcome("Failed")
    assert len(queries.incidents(site.session, ALL)) == 2  # another one, not the old one opened again


def test_the_life_of_an_incident(site: Site) -> None:
    seen(site, 0)
    incident = site.do(OpenIncident(asset_id=ident("orders"), title="Totals look odd"))
    assert site.do(OpenIncident(asset_id=ident("orders"), title="Totals look odd")).occurrences == 2
    assert site.do(MoveIncident(incident_id=incident.id, to="Ack")).state == "Ack"
    with pytest.raises(InvalidInput):
        site.do(MoveIncident(incident_id=incident.id, to="Assigned"))
    assert site.do(MoveIncident(incident_id=incident.id, to="Assigned", owner="ada")).owner == "ada"
    with pytest.raises(InvalidInput):
        site.do(MoveIncident(incident_id=incident.id, to="Resolved"))
    done = site.do(MoveIncident(incident_id=incident.id, to="Resolved", reason="FalsePositive", comment="A holiday."))
    assert (done.state, done.reason, done.comment) == ("Resolved", "FalsePositive", "A holiday.")
    with pytest.raises(Conflict):
        site.do(MoveIncident(incident_id=incident.id, to="Ack"))


class Door:
    """A web server that keeps what is posted to it and answers with the statuses it is given, then with 200."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                door.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(door.answers.pop(0) if door.answers else 200)
                self.send_header("location", "http://169.254.169.254/")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SEXTANT_ALLOWED_NETWORKS", "127.0.0.0/8")
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    network.policy.cache_clear()
    configured.cache_clear()


def tried(site: Site, minutes: float = 0) -> list[str | None]:
    """Tries what is due, as the group's loop does; the problem of each."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    problems: list[str | None] = []
    for number, channel, body in alerts.due(site.session, now):
        problem, final = None, False
        try:
            deliver(channel, body)
        except Undelivered as error:
            problem, final = error.problem, error.final
        site.do(RecordDelivery(alert_id=number, problem=problem, final=final), at=now)
        problems.append(problem)
    return problems


@pytest.mark.usefixtures("loopback_allowed")
def test_a_webhook_is_signed_and_tried_until_it_answers(site: Site, door: Door) -> None:
    seen(site, 0)
    site.do(DefineChannel(name="hook", kind="webhook", target=door.url, secret=SecretStr("key"), least_severity=3))
    site.do(OpenIncident(asset_id=ident("orders"), title="Minor", severity=4))
    assert tried(site) == []
    incident = site.do(OpenIncident(asset_id=ident("orders"), title="Totals look odd", severity=2))
    door.answers = [503, 302]
    assert tried(site) == ["The channel answered 503."]
    assert tried(site) == []  # not due yet
    assert tried(site, 2) == ["The channel answered 302."]  # a redirect is not followed
    assert tried(site, 10) == [None]
    assert tried(site, 10_000) == []
    path, headers, body = door.got[-1]
    told = json.loads(body)
    assert (path, told["incident"], told["event"]) == ("/hook", incident.id, "incident.opened")
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.digest(b"key", content, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert {headers["webhook-id"] for _, headers, _ in door.got} == {str(told["id"])}
    (alert,) = queries.alerts(site.session, ALL)
    assert (alert.state, alert.tries) == ("delivered", 3)
    site.do(MoveIncident(incident_id=incident.id, to="Resolved", reason="Fixed"))
    door.answers = [410]
    assert tried(site) == ["The channel answered 410."]
    assert queries.alerts(site.session, ALL)[0].state == "failed"  # it will never take it


@pytest.mark.usefixtures("loopback_allowed")
def test_a_message_that_is_never_taken_is_given_up(site: Site, door: Door) -> None:
    seen(site, 0)
    site.do(DefineChannel(name="hook", kind="webhook", target=door.url))
    site.do(OpenIncident(asset_id=ident("orders"), title="Odd"))
    door.answers = [500] * 20
    minutes, tries = 0.0, 0
    while queries.alerts(site.session, ALL)[0].state == "pending":
        tries += len(tried(site, minutes))
        minutes += 200
        assert tries < 20
    assert tries == 8
    assert queries.alerts(site.session, ALL)[0].state == "failed"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.usefixtures("loopback_allowed")
def test_slack_and_mail_are_told_too(site: Site, door: Door) -> None:
    class Box:
        letters: list[Any] = []  # noqa: RUF012

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            self.letters.append(envelope)
            return "250 OK"

    box = Box()
    port = _free_port()
    mail = Controller(box, hostname="127.0.0.1", port=port)
    mail.start()
    try:
        seen(site, 0)
        site.do(DefineChannel(name="chat", kind="slack", target="#data", secret=SecretStr(door.url)))
        site.do(DefineChannel(name="post", kind="email", target="ada@example.org",
                              options=MAIL | {"port": str(port)}))  # fmt: skip
        site.do(OpenIncident(asset_id=ident("orders"), title="Look at <!channel>"))
        assert tried(site) == [None, None]
    finally:
        mail.stop()
    assert "&lt;!channel&gt;" in json.loads(door.got[0][2])["text"]
    (letter,) = box.letters
    assert (letter.mail_from, letter.rcpt_tos) == ("s@example.org", ["ada@example.org"])
    assert b"Subject: [Sextant] Look at <!channel>: public.orders" in letter.content
    assert "secret" not in str([each.model_dump() for each in queries.channels(site.session, ALL)])
    assert door.url not in str(queries.channels(site.session, ALL))


def test_this_machine_and_metadata_are_not_reached(site: Site, door: Door) -> None:
    seen(site, 0)
    for target in ("http://169.254.169.254/latest", "http://metadata.google.internal/", "http://[fe80::1]/"):
        with pytest.raises(AddressRefused):
            site.do(DefineChannel(name="hook", kind="webhook", target=target))
    for target in ("ftp://example.org/", "file:///etc/passwd", "http://user:pass@example.org/", "nothing"):
        with pytest.raises(InvalidInput):
            site.do(DefineChannel(name="hook", kind="webhook", target=target))
    port = door.url.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(AddressRefused):
            site.do(DefineChannel(name="hook", kind="webhook", target=f"http://{host}:{port}"))
    site.do(DefineChannel(name="hook", kind="webhook", target=f"http://localhost:{port}"))
    site.do(OpenIncident(asset_id=ident("orders"), title="Odd"))
    assert all(problem and "leads to this machine" in problem for problem in tried(site))
    assert {each.state for each in queries.alerts(site.session, ALL)} == {"failed"}
    assert door.got == []


def test_a_channel_of_a_domain_hears_of_its_assets_alone(site: Site) -> None:
    site.inventory(orders="id", invoices="id")
    domain = site.domain("Sales", "orders")
    site.do(DefineChannel(name="sales", kind="webhook", target="https://example.org/", domain_id=domain))
    for name in ("orders", "invoices"):
        site.do(OpenIncident(asset_id=ident(name), title="Odd"))
    assert len(queries.alerts(site.session, ALL)) == 1
    site.do(RemoveChannel(name="sales"))
    assert queries.alerts(site.session, ALL)[0].state == "failed"
    with pytest.raises(NotFound):
        site.do(RemoveChannel(name="sales"))
